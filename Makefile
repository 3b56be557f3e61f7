PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATA ?= ../shared/data
MODEL ?= models/pest-lite0-0.2.0

.PHONY: run test lint train evaluate bench clean

run: .venv/app.done  ## start the app on http://127.0.0.1:7860
	$(BIN)/pestcheck serve

test: .venv/test.done /usr/bin/chromium lint  ## everything: style, types, all tests
	$(BIN)/python -m pytest

lint: .venv/test.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

train: .venv/test.done  ## fine-tune and write the model folder
	$(BIN)/python -m training fit --data $(DATA) --out $(MODEL)
	$(BIN)/python -m training export --data $(DATA) --out $(MODEL)

evaluate: .venv/test.done  ## measure the model again: every number of its card
	$(BIN)/python -m training evaluate --data $(DATA) --model $(MODEL)

bench: .venv/app.done  ## print the speeds that the README quotes
	$(BIN)/python -m tests.bench

.venv/app.done: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[app]'
	touch $@

.venv/test.done: .venv/app.done
	$(BIN)/python -m pip install --quiet --editable '.[app,train,test]'
	touch $@

# The browser that the tests drive; Playwright's own download is not needed.
/usr/bin/chromium:
	if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy chromium; else sudo apt-get update -q && sudo apt-get install -qy chromium; fi

clean:
	rm -rf .venv build dist

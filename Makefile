PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATA ?= ../shared/data
MODEL ?= models/pest-lite0-0.4.1

POSTGRESQL := $(or $(firstword $(wildcard /usr/lib/postgresql/*/bin/initdb)),/usr/lib/postgresql/any/bin/initdb)
install = $(if $(filter 0,$(shell id -u)),,sudo) sh -c 'apt-get update -q && apt-get install -qy $(1)'
# One font of each Debian package that the tests paint numbers with.
NGINX := /usr/sbin/nginx
POPPLER := /usr/bin/pdftoppm
FONTS := $(addprefix /usr/share/fonts/,opentype/allerta/allerta_stencil.otf truetype/liberation/LiberationSans-Bold.ttf truetype/dejavu/DejaVuSans-Bold.ttf)

.PHONY: run test lint train evaluate bench audit clean

run: .venv/app.done  ## start the app on http://127.0.0.1:7860
	$(BIN)/pestcheck serve

# Three test processes for two cores: a third of the time they wait for servers and browsers. Each with one thread: OpenMP's threads would wait for
# each other, and torch take three times as long.
test: .venv/test.done /usr/bin/chromium $(POSTGRESQL) $(NGINX) $(POPPLER) $(FONTS) lint  ## everything: style, types, all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $$(( ($$(nproc) * 3 + 1) / 2 )) --dist loadfile

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

audit: .venv/app.done  ## ask the internet for known weaknesses of what is installed; exit code 1 if there is any
	$(BIN)/python -m pip install --quiet --editable '.[audit]'
	$(BIN)/pip-audit --skip-editable

.venv/app.done: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[app]'
	touch $@

.venv/test.done: .venv/app.done
	$(BIN)/python -m pip install --quiet --editable '.[app,ocr,addons,postgres,s3,ray,stamps,privacy,train,test]'
	touch $@

# What the tests drive, from Debian, each where it is missing: a browser (Playwright's own download is not needed), a database server, fonts.
/usr/bin/chromium:
	$(call install,chromium)

$(POSTGRESQL):
	$(call install,postgresql)

$(NGINX):
	$(call install,nginx-light)

$(POPPLER):
	$(call install,poppler-utils)

/usr/share/fonts/opentype/allerta/%:
	$(call install,fonts-allerta)

/usr/share/fonts/truetype/liberation/%:
	$(call install,fonts-liberation)

/usr/share/fonts/truetype/dejavu/%:
	$(call install,fonts-dejavu-core)

clean:
	rm -rf .venv build dist

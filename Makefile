PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATA ?= ../shared/data
MODEL ?= models/pest-lite0-0.6.0

# What the tests drive, from Debian: a browser (Playwright's own download is not needed), servers, fonts to paint numbers with.
if_missing = $(if $(wildcard $(1)),,$(2))
MISSING := $(strip $(call if_missing,/usr/bin/chromium,chromium) \
	$(call if_missing,/usr/lib/postgresql/*/bin/initdb,postgresql) \
	$(call if_missing,/usr/sbin/nginx,nginx-light) \
	$(call if_missing,/usr/bin/pdftoppm,poppler-utils) \
	$(call if_missing,/usr/share/fonts/opentype/allerta/allerta_stencil.otf,fonts-allerta) \
	$(call if_missing,/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf,fonts-liberation) \
	$(call if_missing,/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf,fonts-dejavu-core))

.PHONY: run test programs lint train evaluate bench audit clean

run: .venv/app.done  ## start the app on http://127.0.0.1:7860
	$(BIN)/pestcheck serve

# Three test processes for two cores: a third of the time they wait for servers and browsers. Each with one thread: OpenMP's threads would wait for
# each other, and torch take three times as long.
test: .venv/test.done programs lint  ## everything: style, types, all tests
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

bench: .venv/test.done programs  ## print the speeds that the README quotes, in a quarter of an hour
	for part in bench bench_register bench_pack bench_insight bench_batch bench_tablets bench_page; do $(BIN)/python -m tests.$$part || exit 1; done

audit: .venv/app.done  ## ask the internet for known weaknesses of what is installed; exit code 1 if there is any
	$(BIN)/python -m pip install --quiet --editable '.[audit]'
	$(BIN)/pip-audit --skip-editable

.venv/app.done: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[app]'
	touch $@

.venv/test.done: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[app,ocr,addons,postgres,s3,ray,stamps,privacy,train,test]'
	touch .venv/app.done $@

programs:
	$(if $(MISSING),$(if $(filter 0,$(shell id -u)),,sudo) sh -c 'apt-get update -q && apt-get install -qy $(MISSING)')

clean:
	rm -rf .venv build dist

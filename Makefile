# weir. `make help` lists what there is; the work is done by scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
export GOTOOLCHAIN := local
FUZZTIME ?= 10s

.PHONY: run build test lint fmt bench fuzz golden soak dev-stack dev-stack-stop clean help

run: build ## install and build whatever is missing, then run weir with a demo picture
	@exec bin/weir all --demo

build: ## install and build whatever is missing into bin/weir
	@scripts/build

test: ## run every test there is (web, Go, Go with -race, the services on real servers, browser)
	@scripts/test

lint: ## gofmt, go vet, golangci-lint and the web's linter
	@scripts/lint

fmt: ## format the Go code
	@scripts/gofiles -0 | xargs -0 gofmt -w

bench: ## Go benchmarks (ARGS='./media/hub' for some packages), then the README's "Measured" table (half an hour, on a quiet machine)
	@scripts/setup test && scripts/build && scripts/with-ffmpeg go test -run '^$$' -bench . -benchmem $(or $(ARGS),./...)
	@[ -n "$(ARGS)" ] || scripts/with-ffmpeg bench/run

fuzz: ## each fuzz target for FUZZTIME (10s); ARGS='./media/rtmp' for some packages
	@scripts/setup build && scripts/web && FUZZTIME=$(FUZZTIME) scripts/fuzz $(ARGS)

golden: ## write the golden files anew: look at the difference before you commit it
	@scripts/setup build && scripts/web && scripts/golden

soak: ## the tests that are too long for `make test` (build tag soak)
	@scripts/setup test && scripts/web && deploy/devstack/devstack.sh run scripts/with-ffmpeg go test -tags soak -run Soak -count 1 -timeout 2h -v $(or $(ARGS),./...)

dev-stack: ## start PostgreSQL, Redis, RabbitMQ and MinIO, or leave them running, and print the settings with which bin/weir uses them
	@deploy/devstack/devstack.sh install && deploy/devstack/devstack.sh start && deploy/devstack/devstack.sh env
	@echo '== for this shell: eval "$$(make dev-stack)"; then bin/weir all; at the end make dev-stack-stop' >&2

dev-stack-stop: ## end them and delete their data
	@deploy/devstack/devstack.sh stop

clean: ## remove what was built here; data and the caches stay
	@rm -rf bin web/node_modules web/apitypes/node_modules web/e2e/out
	@find web/dist -mindepth 1 ! -name .gitkeep -delete

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 23

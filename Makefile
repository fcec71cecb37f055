# Make is a convenience, never a need: every line below is a go command or a
# script that runs where make does not exist. `go test ./...` needs Go alone.

FUZZTIME ?= 10s
SEEDS ?= 20000
COUNT ?= 6
BENCH ?= .
ROW ?=
PEERS ?=

.PHONY: help demo check test race bench peers microbench fuzz sim wasm

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## a two-minute tour of the command
	go run ./cmd/kdelta demo

check: ## vet, format, lint, the laws of the house, CGO-free and WASM builds, size gate
	scripts/lint
	go test -count=1 -v -run 'House|WithoutCGO|ForWASM' .

test: ## every test
	go test ./...

race: ## every test under the race detector, heavy ones reduced (needs a C compiler)
	go test -race -short ./...

bench: ## what the library costs beside the raw store, as ratios; ROW=Get for some rows, LARGE=-large for large databases
	go run ./bench -row "$(ROW)" $(LARGE)

peers: ## kdelta beside Yjs, ywasm, Loro and Automerge on the same work, some fifteen minutes (needs node); PEERS="--trace svelte" for less
	scripts/peers $(PEERS)

microbench: ## the benchmarks beside each package, COUNT runs each; compare two outputs with benchstat
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./...

fuzz: ## each fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) scripts/fuzz

sim: ## SEEDS worlds of replicas under faults
	go test ./replica/replicatest -run World -timeout 0 -seeds $(SEEDS)

wasm: ## the core's tests as WASM under node
	scripts/wasm

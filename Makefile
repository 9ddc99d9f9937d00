# What a developer runs. `make help` lists it; CONTRIBUTING.md says when.

SWIFT ?= swift
# More arguments for `make demo`, such as DEMO="--serve --credentials /tmp/digits".
DEMO ?=
# A pattern for the names of the steps of `make nightly` (default: all).
STEPS ?=
# The cases of `make bench` and their options.
BENCH ?= rpc-latency rpc-throughput transfer connections push-pull sidecar

# Every folder and file of Swift that the project writes.
SWIFT_SOURCES := $(wildcard Package.swift Sources Tests Examples/Package.swift Examples/Digits Examples/PlainRPC Examples/ProcessKit Examples/PythonClient Examples/Recommender Examples/Tests \
	Benchmarks/Package.swift Benchmarks/MeshworkBench Fuzzing/Package.swift Fuzzing/MeshworkFuzz Fuzzing/Replay)
FORMAT := --configuration .swift-format --recursive $(SWIFT_SOURCES)

# The tests that compute and simulate: those of these rooms, but for suites with sockets, processes or files.
ALONE := Checkpoints|Command|CoordinatorProcess|DiskCheckpoint|Drain|LifetimeScenario|Loopback|OneProcess|RestartedCoordinator|RowClient|RowExport|WarmStart|WriteAheadLog
COMPUTING := ^(Autodiff|CTensorKernels|Coordination|NeuralNetwork|Optimizers|ParameterServer|Tensor|Training)Tests\.(?!($(ALONE))Tests\b)

# Tests of the examples link the demo's own release build: without testable imports, both are compiled the same way.
EXAMPLES := --configuration release --package-path Examples

.PHONY: help demo demo-build plain-rpc python-client recommender test format lint nightly bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: demo-build ## Train digits on a small mesh, lose a worker, serve the model (arguments in DEMO)
	@mkdir -p .build/demo
	Examples/.build/release/digits --summary .build/demo/summary.json $(DEMO)

demo-build:
	@Scripts/install-prerequisites.sh build
	$(SWIFT) build $(EXAMPLES) --product digits

plain-rpc: ## Run two services over both wires, called from Swift and from Python
	@Scripts/install-prerequisites.sh test
	$(SWIFT) run $(EXAMPLES) plain-rpc

python-client: ## Have Python's grpcio push to and pull from a parameter server, each push applied once
	@Scripts/install-prerequisites.sh test
	$(SWIFT) run $(EXAMPLES) python-client

recommender: ## Train embeddings of census records on replicated servers, lose a worker and a server
	@Scripts/install-prerequisites.sh build
	$(SWIFT) build $(EXAMPLES) --product recommender
	Examples/.build/release/recommender --summary .build/recommender/summary.json

# First what computes and simulates, as many tests at a time as there are processors; then the others one at a time: they have
# processes, sockets, clocks and event loops of their own, which few cores would starve.
test: ## Run every test but the nightly ones
	@Scripts/install-prerequisites.sh test
	$(SWIFT) build --build-tests
	SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$$(nproc) \
		$(SWIFT) test --skip-build --parallel --filter '$(COMPUTING)'
	$(SWIFT) test --skip-build --no-parallel --skip '$(COMPUTING)'
	Scripts/check-embedding.sh
	$(SWIFT) test $(EXAMPLES) --disable-testable-imports

format: ## Rewrite the sources in the project's format
	$(SWIFT) format --in-place $(FORMAT)

lint: ## Check the format, that nothing bypasses the Runtime, and that what is said to be sendable says why
	$(SWIFT) format lint --strict $(FORMAT)
	Scripts/check-runtime-seam.py --self-test
	Scripts/check-runtime-seam.py
	Scripts/check-sendable.py --self-test
	Scripts/check-sendable.py

nightly: ## Run what takes longer than CI may: sanitizers, fuzzing, long rounds, every kernel path, a soak, benchmarks (steps in STEPS)
	Scripts/nightly.sh $(if $(STEPS),'$(STEPS)')

bench: ## Run benchmarks (cases and options in BENCH; BENCH=list names them)
	@Scripts/install-prerequisites.sh bench
	$(SWIFT) build --configuration release --package-path Benchmarks
	Benchmarks/.build/release/meshwork-bench $(BENCH)

clean: ## Remove everything that was built
	rm -rf .build Examples/.build Benchmarks/.build Tests/Embedding/*/.build Tests/Embedding/*/Package.resolved

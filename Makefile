# SPDX-License-Identifier: Apache-2.0
# `make demo` runs the main job, `make test` passes the tests; both install what they need.

.PHONY: demo test setup build lint format unit explore crash soak install clean

TORTURE = .build/debug/holdfast-torture

demo: setup
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast
	scripts/in-private-namespace scripts/demo

test: setup lint
	swift build --build-tests
	scripts/in-private-namespace swift test --skip-build --no-parallel
	scripts/in-private-namespace $(TORTURE) crash --kills 110 --all
	$(MAKE) explore

# The state machine, exhaustively, within the four small bounds (docs/state-machine.md).
explore:
	swift run -c release -Xswiftc -cross-module-optimization --scratch-path .build-explorer mount-explorer

# A daemon is killed under load a thousand times and must recover (docs/reliability.md): about twelve minutes.
crash:
	swift build --product holdfastd
	swift build --product holdfast-torture
	scripts/in-private-namespace $(TORTURE) crash --kills 1000 --all

# A release build under load and faults for ten minutes must not grow.
soak:
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build --product holdfast-torture
	scripts/in-private-namespace $(TORTURE) soak --daemon .build/release/holdfastd

setup:
	scripts/install-packages

build:
	swift build

lint:
	swift format lint --strict --recursive --parallel Package.swift Sources Tests

format:
	swift format --in-place --recursive --parallel Package.swift Sources Tests

clean:
	swift package clean

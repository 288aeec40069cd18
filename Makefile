# SPDX-License-Identifier: Apache-2.0
# `make demo` runs the main job, `make test` passes the tests; both install what they need.

.PHONY: demo test test-sanitizers test-thread-sanitizer test-address-sanitizer setup build lint format explore \
	explore-small mutants clean

demo: setup
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast
	scripts/in-private-namespace scripts/demo

test: setup lint
	swift build --build-tests
	scripts/in-private-namespace swift test --skip-build --no-parallel
	$(MAKE) explore-small mutants

# The tests under ThreadSanitizer and AddressSanitizer, each in a build of its own (CONTRIBUTING.md).
test-sanitizers: test-thread-sanitizer test-address-sanitizer

test-thread-sanitizer: setup
	scripts/test-under-sanitizer thread

test-address-sanitizer: setup
	scripts/test-under-sanitizer address

explorer = swift run -c release -Xswiftc -cross-module-optimization --scratch-path .build-explorer mount-explorer

# The state machine, exhaustively, within all bounds of docs/state-machine.md: minutes, and up to 10 GB.
explore:
	$(explorer) --long --jobs 1

# Within the small ones.
explore-small:
	$(explorer)

# The state machine with one defect at a time, each of which the explorer must find.
mutants:
	scripts/mutants

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

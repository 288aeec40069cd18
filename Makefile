# SPDX-License-Identifier: Apache-2.0
# `make demo` runs the main job, `make test` passes the tests; both install what they need.

.PHONY: demo test test-sanitizers test-thread-sanitizer test-address-sanitizer setup build lint format unit explore \
	install clean

demo: setup
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast
	scripts/in-private-namespace scripts/demo

test: setup lint
	swift build --build-tests
	scripts/in-private-namespace swift test --skip-build --no-parallel
	$(MAKE) explore

# The tests under ThreadSanitizer and AddressSanitizer, each in a build of its own (CONTRIBUTING.md).
test-sanitizers: test-thread-sanitizer test-address-sanitizer

test-thread-sanitizer: setup
	scripts/test-under-sanitizer thread

test-address-sanitizer: setup
	scripts/test-under-sanitizer address

# The state machine, exhaustively, within the four small bounds (docs/state-machine.md).
explore:
	swift run -c release -Xswiftc -cross-module-optimization --scratch-path .build-explorer mount-explorer

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

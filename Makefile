# SPDX-License-Identifier: Apache-2.0
# `make demo` runs the main job, `make test` passes the tests; both install what they need.

.PHONY: demo test test-sanitizers test-thread-sanitizer test-address-sanitizer setup build lint format explore \
	explore-small mutants crash soak lab clean

torture = .build/debug/holdfast-torture
explorer = swift run -c release -Xswiftc -cross-module-optimization --scratch-path .build-explorer mount-explorer

demo: setup
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast-worker
	swift build -c release --static-swift-stdlib --product holdfast
	scripts/in-private-namespace scripts/demo

test: setup lint
	swift build --build-tests
	scripts/in-private-namespace swift test --skip-build --no-parallel
	scripts/in-private-namespace $(torture) crash --kills 110 --all
	$(MAKE) explore-small mutants

# The tests under ThreadSanitizer and AddressSanitizer, each in a build of its own (CONTRIBUTING.md).
test-sanitizers: test-thread-sanitizer test-address-sanitizer

test-thread-sanitizer: setup
	scripts/test-under-sanitizer thread

test-address-sanitizer: setup
	scripts/test-under-sanitizer address

# The state machine, exhaustively, within all bounds of docs/state-machine.md: an hour, and up to 11 GB.
explore:
	$(explorer) --long --jobs 1

# Within the small ones.
explore-small:
	$(explorer)

# The state machine with one defect at a time, each of which the explorer must find.
mutants:
	scripts/mutants

# A daemon is killed under load a thousand times and must recover (docs/reliability.md): about twelve minutes.
crash:
	swift build --product holdfastd
	swift build --product holdfast-worker
	swift build --product holdfast-torture
	scripts/in-private-namespace $(torture) crash --kills 1000 --all

# A release build under load and faults for ten minutes must not grow.
soak:
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast-worker
	swift build --product holdfast-torture
	scripts/in-private-namespace $(torture) soak --daemon .build/release/holdfastd

# The release programs in a guest with Debian's kernel, against real servers (docs/testing.md).
lab: setup
	scripts/install-packages qemu-system-x86 binutils cpio kmod
	swift build -c release --static-swift-stdlib --product holdfastd
	swift build -c release --static-swift-stdlib --product holdfast-worker
	swift build -c release --static-swift-stdlib --product holdfast
	scripts/lab/image
	scripts/lab/run

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

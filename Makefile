# The doors for people. `make` alone lists them. Everything below tools/ and cmake/ can also be called by hand.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup peers configure build build-python build-all test demo format format-check bench-anomaly bench-anomaly-full bench-peers bench-latency bench-training bench-thresholds bench-metrics bench-record clean

BUILD := build/release
export CCACHE_MAXSIZE ?= 5G

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install what is missing: Debian packages (as root), LibTorch once per user
	@tools/setup

peers: setup
	@tools/setup --peers

configure: setup
	@mkdir -p $(BUILD); cmake --preset release >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }

build: configure  ## build the command: build/release/oddity
	@cmake --build $(BUILD) --target oddity_command -j $$(tools/jobs)
	@[[ -x $(BUILD)/oddity ]] && echo "built $(BUILD)/oddity"

build-python: configure  ## build the Python package: build/release/python
	@cmake --build $(BUILD) --target oddity_python -j $$(tools/jobs)
	@echo "built $(BUILD)/python; use it with PYTHONPATH=$(BUILD)/python, or pip install --no-build-isolation ."

build-all: configure  ## build everything, tests included
	@cmake --build $(BUILD) -j $$(tools/jobs)

test: peers build-all  ## run all tests but soak and fuzz; the last line counts them
	@tools/run_tests $(BUILD)

demo: build  ## synthetic parts, training, evaluation and report in minutes
	@tools/demo $(BUILD)/oddity

format:  ## format the C++ and CUDA sources in place
	@tools/check_format --fix

format-check:  ## say which sources are not formatted
	@tools/check_format

bench-anomaly: build  ## accuracy of the default config on real parts, seed 0 (ODDITY_DATA names the data folder)
	@tools/bench anomaly

bench-anomaly-full: build  ## the same table, mean of seeds 0 and 1
	@tools/bench anomaly --full

bench-peers: setup  ## other libraries on the protocol of bench-anomaly (installs them once per user; about an hour)
	@tools/bench peers/anomaly

bench-latency: build  ## latency of one image beside anomalib, same run, same threads
	@cmake --build $(BUILD) --target latency_bench -j $$(tools/jobs) && tools/bench latency

bench-training: build  ## speed of the training loop, and where the time of a training and an evaluation goes
	@cmake --build $(BUILD) --target training_speed_bench -j $$(tools/jobs) && tools/bench training_speed

bench-thresholds: build  ## whether the overkill budget is kept: 20 calibrations, 2,000 fresh parts each
	@tools/bench thresholds

bench-metrics: build-python  ## metrics beside their peers: agreement and ratio (installs the peers once per user)
	@tools/bench metrics

bench-record:  ## turn build/bench/*.json into bench/results/*.md with date and machine
	@tools/bench record

clean:  ## remove the build folders (the per-user caches stay)
	@rm -rf build

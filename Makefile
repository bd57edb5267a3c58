# Everything a person types here; the build itself is Meson's.
BUILD ?= build

.PHONY: all deps run test bench install clean

all: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD)

deps:
	@tools/install-packages build

clean:
	rm -rf build build-*

# Everything a person types here; the build itself is Meson's.
#
#   make            build build/musubid and build/musubi
#   make run        two sites with a tunnel between them, in network namespaces of their own
#   make test       all tests; ends with "N passed, N failed"
#   make docs       writes docs/commands.md, docs/sizes.md, docs/mistakes.md and docs/requirements.md anew
#   make campaign   200,000 scenarios of the simulator, about an hour (SCENARIOS=n: another number)
#   make differential   random packets by the fast and the slow path, some minutes (ROUNDS=n, SEED=n)
#   make mistakes   the forty mistakes of docs/mistakes.md made at live pairs, some 20 minutes
#   make bench      measurements, side by side with rivals (ONLY=tunnel,esp: these parts alone)
#   make install    into PREFIX (default /usr/local), below DESTDIR
#
# These install missing Debian packages, as root.
PREFIX ?= /usr/local
SANITIZED = build-sanitized
BENCH = build-bench
SCENARIOS ?= 200000
ROUNDS ?= 100
SEED ?= 1

.PHONY: all build run test sanitized docs campaign differential mistakes bench install format tidy clean

all: build

build:
	@tools/install-packages build
	@test -f build/build.ninja || { echo "Setting up build/"; meson setup build --prefix $(PREFIX) >/dev/null; }
	@echo "Building build/musubid and build/musubi, and the tests"
	@ninja -C build --quiet

run: build
	@tools/install-packages run
	@echo "Starting two sites with a tunnel between them"
	@tools/demo

sanitized:
	@echo "Building the tests again in $(SANITIZED)/, with sanitizers"
	@test -f $(SANITIZED)/build.ninja || \
	  meson setup $(SANITIZED) -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C $(SANITIZED) --quiet

test: build
	@tools/install-packages test
	@$(MAKE) --no-print-directory sanitized
	@tests/run

docs: build
	@ninja -C build --quiet commands.md sizes.md
	@tools/mistakes
	@tools/requirements

campaign: build
	@tests/campaign $(SCENARIOS)

differential: build
	@build/tests/unit/path/test_path_differential 1 $(SEED) $(ROUNDS)

mistakes: build
	@tools/install-packages test
	@/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/live

bench:
	@tools/install-packages bench
	@test -f $(BENCH)/build.ninja || { echo "Setting up $(BENCH)/"; meson setup $(BENCH) -Doptimization=2 >/dev/null; }
	@ninja -C $(BENCH) --quiet
	@tests/bench/run.py --build $(BENCH) --only "$(ONLY)" $(BENCH_OPTIONS)

install: build
	@meson configure build --prefix $(PREFIX)
	@meson install -C build

format:
	clang-format-14 -i $$(git ls-files '*.c' '*.h')

# One file at a time: clang-tidy 14 misreads va_list when it is given several.
tidy: build
	git ls-files 'src/*.c' | xargs -n 1 -P $$(nproc) clang-tidy --quiet -p build

clean:
	rm -rf build $(SANITIZED) $(BENCH)

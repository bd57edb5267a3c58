#!/bin/sh
# Runs the unit tests of src/host and of the fast path on Linux 6.1 (Debian's user-mode-linux). Before it loads the
# kernel's module for IPv6, it runs those for a kernel without IPv6, and then those for one without nf_tables. Prints
# TAP, with a plan for each program. Takes a minute or two.
#
#   tests/system/linux61.sh [BUILD-DIRECTORY]
#
# Needs user-mode-linux and kmod (tools/install-packages test).
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build}
build=$(cd "$build" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

modules=$(echo /usr/lib/uml/modules/6.1.*)
cat >"$work/init" <<EOF2
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH CMOCKA_MESSAGE_OUTPUT=TAP
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
insmod $modules/kernel/drivers/net/tun.ko
insmod $modules/kernel/drivers/net/veth.ko
echo "# host_noipv6"
"$build/tests/unit/host/test_host_noipv6"
insmod $modules/kernel/lib/crc-ccitt.ko
insmod $modules/kernel/net/ipv6/ipv6.ko
insmod $modules/kernel/net/sched/sch_tbf.ko
echo "# host_nonft"
"$build/tests/unit/host/test_host_nonft"
for test in port sockets routes apply; do
    echo "# host_\$test"
    "$build/tests/unit/host/test_host_\$test"
done
for test in link_ring together super_packets merged; do
    echo "# path_\$test"
    "$build/tests/unit/path/test_path_\$test" 1
done
echo "# path_differential"
"$build/tests/unit/path/test_path_differential" 1 1
echo "# all done"
echo o >/proc/sysrq-trigger
sleep 10
EOF2
chmod 755 "$work/init"

timeout 300 linux.uml rootfstype=hostfs rootflags=/ rw mem=256M init="$work/init" con=null con0=fd:0,fd:1 quiet \
    </dev/null 2>&1 | sed -un 's/\r//; /^# /,$p' | tee "$work/log"

grep -q '^# all done' "$work/log" || {
    echo 'Bail out! the kernel stopped before its time'
    exit 1
}
! grep -q '^not ok' "$work/log"

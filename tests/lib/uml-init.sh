#!/bin/sh
# The first process of a user-mode-linux machine (lib/uml.py). Its root is this machine's, read-only.
# Commands come over the serial line, each as a line of base64. The answer to each is one line: exit status,
# stdout and stderr, the last two in base64.
# shellcheck disable=SC2154  # share comes from the kernel's command line
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run TMPDIR=/run

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs shm /dev/shm 2>/dev/null
mount -t hostfs -o "$share" share "$share"

release=$(uname -r)
mkdir -p "/run/modules/lib/modules/$release" /run/jobs /run/netns
mount -t hostfs -o "/usr/lib/uml/modules/$release" modules "/run/modules/lib/modules/$release"
printf '#!/bin/sh\nexec modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe

exec 3<>/dev/ttyS0
stty raw -echo <&3
echo ready >&3
while read -r command <&3; do
    echo "$command" | base64 -d >/run/command
    sh /run/command </dev/null >/run/stdout 2>/run/stderr 3>&-
    echo "$? $(base64 -w0 /run/stdout) $(base64 -w0 /run/stderr)" >&3
done

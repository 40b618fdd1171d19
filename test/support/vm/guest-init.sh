#!/bin/busybox sh
# The first and only process of the guest.
export PATH=/bin HOME=/ LC_ALL=C
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs -o size=90% none /tmp
mount -t tmpfs none /run
while read -r module; do
  modprobe "$module" || echo "guest: no module $module" > /dev/kmsg
done < /modules
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=none share /share || exec poweroff -f
cd /share
. /guest-loop.sh
serve

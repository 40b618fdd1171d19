#!/bin/sh
# init= of the live systems: the whole of dracut's or live-boot's work is done when it begins, and no service runs beside it.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
[ -e /proc/mounts ] || mount -t proc proc /proc
[ -d /sys/class ] || mount -t sysfs sys /sys
[ -c /dev/ttyS1 ] || mount -t devtmpfs dev /dev
mountpoint -q /run || mount -t tmpfs run /run
mountpoint -q /tmp || mount -t tmpfs tmp /tmp
. /guest-loop.sh
cd /root
serve

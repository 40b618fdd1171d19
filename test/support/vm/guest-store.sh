# Words for the scripts of the guest: a live system's snapshot over its base, as dracut puts it there, with Debian's own programs.
export DM_DISABLE_UDEV=1

# base IMAGE: the filesystem inside of a squashfs, for reading only
base() {
  mkdir -p /tmp/base
  mountpoint -q /tmp/base && return
  mount -t squashfs -o ro,loop "$1" /tmp/base
}

# register STORE MODE CHUNK_SECTORS: /dev/mapper/live shows what a system sees that runs on this store
register() {
  origin=$(losetup --find --show --read-only /tmp/base/LiveOS/rootfs.img)
  store=$(losetup --find --show "$1")
  dmsetup create live --table "0 $(blockdev --getsz "$origin") snapshot $origin $store $2 $3"
}

release() {
  dmsetup remove live
  losetup -d "$store"
  losetup -d "$origin"
}

# The line of the kernel, as a report gives it.
status() { dmsetup status live; }

# Whether the kernel still takes writes: neither given up nor at its end.
takes_writes() { case $(status) in *Invalid* | *Overflow*) return 1 ;; *) return 0 ;; esac; }

# check OPTIONS: what e2fsck ends with
check() { code=0; e2fsck "$@" /dev/mapper/live > /tmp/check.out 2>&1 || code=$?; echo "$code"; }

# sums NAME: the sum of every file of the user in the mounted system; a file that cannot be read has none
sums() { (cd /tmp/live/user 2> /dev/null && find . -type f -exec sha256sum {} + 2> /dev/null) > "$1" || true; }

# How a kernel behaves whose user goes on for minutes is asked here within seconds: nothing is brought to its place for being old.
echo 0 > /proc/sys/vm/dirty_writeback_centisecs

# save NAME LIST: one file, flushed by its program; its name is kept when the kernel had taken it
save() {
  mkdir -p "/tmp/live/user/${1%/*}" 2> /dev/null || return 1
  dd if="/tmp/payload/$1" of="/tmp/live/user/$1" bs=1M conv=fsync 2> /dev/null || return 1
  takes_writes || return 1
  echo "$1" >> "$2"
}

# Sectors that the store has left: "… snapshot USED/TOTAL METADATA".
left() { status | (IFS=' /' read -r _ _ _ used total _; echo $((total - used))); }

# fill_slowly LIST: one file after the other; towards the end small ones, so that the last room is used up
fill_slowly() {
  for path in /tmp/payload/folder-*/*; do
    [ "$(left)" -gt 4096 ] || break
    save "${path#/tmp/payload/}" "$1" || return 0
  done
  for path in /tmp/payload/small-*/*; do
    save "${path#/tmp/payload/}" "$1" || return 0
  done
}

# fill_at_once LIST: some folders are brought to the medium and their names kept, the rest comes in one go
fill_at_once() {
  cp -r /tmp/payload/folder-0* /tmp/live/user/
  sync
  takes_writes
  (cd /tmp/payload && find folder-0* -type f) > "$1"
  cp -r /tmp/payload/folder-[1-9]* /tmp/live/user/ 2> /dev/null || true
  sync
}

# repair_by_hand STORE MODE CHUNK_SECTORS GROWN_BYTES: as it is published: the mark, the checks, and room only then.
repair_by_hand() {
  mark_valid "$1"
  register "$1" "$2" "$3"
  echo "first $(check -f -y)"
  echo "second $(check -p)"
  release
  truncate -s "$4" "$1"
  files_of "$1" "$2" "$3" /tmp/by-hand.sums
  # Who does not give up sets the mark and checks once more.
  mark_valid "$1"
  register "$1" "$2" "$3"
  echo "third $(check -f -y)"
  release
  files_of "$1" "$2" "$3" /tmp/again.sums
}

# files_of STORE MODE CHUNK_SECTORS SUMS
files_of() {
  register "$1" "$2" "$3"
  echo "registered $(status)"
  : > "$4"
  if mount /dev/mapper/live /tmp/live 2> /dev/null; then
    sums "$4"
    umount /tmp/live
  fi
  release
}

mark_valid() { printf '\001' | dd of="$1" bs=1 seek=4 conv=notrunc 2> /dev/null; }

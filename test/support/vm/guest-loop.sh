# How a guest obeys: lines that come in on the second serial port are put into a script, which is run at "@@run NUMBER"; what it
# says goes back, then "@@done NUMBER STATUS". Before "@@ready" a firmware may have written there too.
serve() {
  stty -F /dev/ttyS1 raw -echo
  exec 3<> /dev/ttyS1
  : > /tmp/job
  echo "@@ready" >&3
  while IFS= read -r line <&3; do
    case $line in
      @@run*)
        code=0
        # By its path, so that it is dash: the shell of busybox takes its own commands before the real ones.
        /bin/sh /tmp/job < /dev/null >&3 2>&1 || code=$?
        printf '\n@@done %s %s\n' "${line#@@run }" "$code" >&3
        : > /tmp/job
        ;;
      *) printf '%s\n' "$line" >> /tmp/job ;;
    esac
  done
}

import { cannotSet } from './errors.ts'
import type { Union } from './union.ts'

const folder = 'var/lib/livecard'
const scriptPath = `${folder}/first-boot`
const runnerPath = `${folder}/run-first-boot`
const unitName = 'livecard-first-boot.service'
const unitPath = `etc/systemd/system/${unitName}`
const wantedPath = `etc/systemd/system/multi-user.target.wants/${unitName}`
const initPath = 'etc/init.d/livecard-first-boot'
/** The levels in which Debian's sysvinit starts services. */
const levels = [2, 3, 4, 5]
const levelPath = (level: number) => `etc/rc${level}.d/S99livecard-first-boot`
const owner = { uid: 0, gid: 0 }

/** Takes away what starts it before it runs: a start that is cut off does not run the script twice. */
const runner = `#!/bin/sh
# Written by Livecard: runs ${scriptPath} once.
rm -f ${[wantedPath, unitPath, ...levels.map(levelPath)].map((path) => `/${path}`).join(' ')}
sync
/${scriptPath}
code=$?
rm -rf /${initPath} /${folder}
exit $code
`

const unit = `[Unit]
Description=The first-boot script that Livecard has put on the card
After=network.target local-fs.target
ConditionPathExists=/${scriptPath}

[Service]
Type=oneshot
ExecStart=/${runnerPath}
StandardOutput=journal

[Install]
WantedBy=multi-user.target
`

const init = `#!/bin/sh
### BEGIN INIT INFO
# Provides:          livecard-first-boot
# Required-Start:    $all
# Required-Stop:
# Default-Start:     ${levels.join(' ')}
# Default-Stop:
# Short-Description: The first-boot script that Livecard has put on the card
### END INIT INFO
[ "$1" = start ] && [ -x /${scriptPath} ] && exec /${runnerPath}
exit 0
`

/** A script that runs once, as root, at the next start, and takes itself away then. */
export function setFirstBoot(union: Union, script: string): string[] {
  const hasSystemd = union.has('lib/systemd/systemd') || union.has('usr/lib/systemd/systemd')
  const hasInit = union.isFolder('etc/init.d') && union.isFolder('etc/rc2.d')
  if (!hasSystemd && !hasInit) {
    throw cannotSet(
      'no-init',
      'The system starts neither by systemd nor by the scripts of sysvinit, so that nothing would run the script.',
    )
  }
  union.write(scriptPath, script, { mode: 0o700, ...owner })
  union.write(runnerPath, runner, { mode: 0o700, ...owner })
  if (hasSystemd) {
    union.write(unitPath, unit)
    union.link(wantedPath, `/${unitPath}`)
  } else {
    union.write(initPath, init, { mode: 0o755, ...owner })
    for (const level of levels) union.link(levelPath(level), '../init.d/livecard-first-boot')
  }
  return ['A script runs once, at the next start, as the administrator, and is taken away then.']
}

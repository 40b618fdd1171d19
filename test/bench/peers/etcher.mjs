// Writes an image with etcher-sdk as its documentation shows, and prints how long it took: node etcher.mjs IMAGE DEVICE SIZE SECTOR [verify]
import sdk from 'etcher-sdk'

const [image, device, size, sector, verify] = process.argv.slice(2)
const source = await new sdk.sourceDestination.File({ path: image }).getInnerSource()
const drive = {
  device,
  raw: device,
  devicePath: null,
  description: 'bench',
  mountpoints: [],
  size: Number(size),
  blockSize: Number(sector),
  logicalBlockSize: Number(sector),
  isReadOnly: false,
  isSystem: false,
  isVirtual: true,
  isRemovable: true,
}
const destination = new sdk.sourceDestination.BlockDevice({ drive, write: true, direct: true, unmountOnSuccess: false })
const failures = []
let verifyingSince = null
const started = performance.now()
const result = await sdk.multiWrite.pipeSourceToDestinations({
  source,
  destinations: [destination],
  onFail: (_destination, error) => failures.push(error.message),
  onProgress: ({ type }) => {
    if (type === 'verifying') verifyingSince ??= performance.now()
  },
  verify: verify === 'verify',
})
const ended = performance.now()
console.log(
  JSON.stringify({
    totalMs: ended - started,
    writeMs: (verifyingSince ?? ended) - started,
    bytesWritten: result.bytesWritten,
    failures,
    maxRssMib: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
)
process.exit(0)

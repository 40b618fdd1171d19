import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flashOptions, type ImageFacts, type Job } from '../../native-helpers/contract.ts'
import { type JobTask, LiveJob } from '../../native-helpers/jobs/live-job.ts'

const image: ImageFacts = {
  ref: { location: '/images/lampone-pi.img' },
  name: 'lampone-pi.img',
  format: 'raw',
  storedBytes: 1e6,
  contentBytes: 1e6,
  members: [],
  sums: [],
  bmap: null,
  shows: null,
}

function liveJob(kind: Job['kind'], verify: boolean): LiveJob {
  const target: JobTask['targets'][number] = { target: { kind: 'file', path: '/cards/a.img', sizeBytes: 1e6 }, label: 'a.img' }
  return new LiveJob({ id: 'j', kind, image, targets: [target], options: flashOptions.parse({ verify }) })
}

function readBack(job: LiveJob): string | undefined {
  return job.snapshot().checks.find(({ id }) => id === 'read-back')?.state
}

test('a job that will not read back says so from its beginning', () => {
  assert.equal(readBack(liveJob('flash', false)), 'skipped')
  assert.equal(readBack(liveJob('flash', true)), 'pending')
})

test('a comparison reads whatever the options say', () => {
  assert.equal(readBack(liveJob('verify', false)), 'pending')
})

test('a job that ended well without reading back does not claim to have compared', () => {
  for (const [verify, state] of [
    [false, 'skipped'],
    [true, 'ok'],
  ] as const) {
    const job = liveJob('flash', verify)
    for (const target of job.state.targets) target.state = 'done'
    job.end(null)
    assert.equal(job.snapshot().state, 'done')
    assert.equal(readBack(job), state)
  }
})

import kafkajs, { type Cluster } from 'kafkajs'
import { expect, test } from 'vitest'
import { coPartitionedAssigner } from './co-partitioned-assigner.ts'

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol
const counts: Record<string, number> = { samples: 4, state: 4, control: 2 }
const topics = Object.keys(counts)

test('partition p of every topic goes to one member, and claims are kept', async () => {
  const assigned = await assign([member('a', [2, 3]), member('b', [0])])
  expect(assigned).toEqual({
    a: { samples: [2, 3], state: [2, 3], control: [] },
    b: { samples: [0, 1], state: [0, 1], control: [0, 1] },
  })
})

test('claims are asked for at each join', () => {
  let claims = [1]
  const assigner = assignerOf(() => claims)
  const first = MemberMetadata.decode(assigner.protocol({ topics }).metadata)
  claims = [2, 3]
  const second = MemberMetadata.decode(assigner.protocol({ topics }).metadata)
  expect(first!.userData.length).toBe(4)
  expect(second!.userData.length).toBe(8)
})

test('user data that is no list of numbers is no claim', async () => {
  const odd = { memberId: 'a', memberMetadata: MemberMetadata.encode({ version: 0, topics, userData: Buffer.from('abc') }) }
  const assigned = await assign([odd, member('b', [0, 1, 2])])
  expect(assigned.b!.samples).toEqual([0, 1])
  expect(assigned.a!.samples).toEqual([2, 3])
})

function assignerOf(claims: () => readonly number[]) {
  const cluster = { findTopicPartitionMetadata: (topic: string) => Array(counts[topic]).fill({}) } as unknown as Cluster
  return coPartitionedAssigner(claims)({ cluster, groupId: 'g', logger: {} as never })
}

function member(memberId: string, claims: readonly number[]) {
  return { memberId, memberMetadata: assignerOf(() => claims).protocol({ topics }).metadata }
}

async function assign(members: { memberId: string; memberMetadata: Buffer }[]) {
  const assignments = await assignerOf(() => []).assign({ members, topics })
  return Object.fromEntries(
    assignments.map(({ memberId, memberAssignment }) => [memberId, MemberAssignment.decode(memberAssignment)!.assignment]),
  )
}

/**
 * kafkajs' partition assigner with the rules of `partition-assignment.ts`.
 *
 * Each member sends the partitions it owns as user data when it joins; the leader of the group decides for all. The leader
 * uses its own list of topics, so while versions of a service with different inputs run side by side, those that only the
 * other version reads may wait until the change is through.
 */
import kafkajs, { type PartitionAssigner } from 'kafkajs'
import { assignPartitions, type GroupMember } from './partition-assignment.ts'

/** @param claims the partitions this member holds at the moment, asked for at each join */
export function coPartitionedAssigner(claims: () => readonly number[]): PartitionAssigner {
  const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol
  return ({ cluster }) => ({
    name,
    version,
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version, topics, userData: Buffer.from(Int32Array.from(claims()).buffer) }),
    }),
    assign: async ({ members, topics }) => {
      const counts = new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]))
      const claiming = members.map(({ memberId, memberMetadata }): GroupMember => {
        return { id: memberId, claims: claimsIn(MemberMetadata.decode(memberMetadata)?.userData) }
      })
      return [...assignPartitions(claiming, Math.max(...counts.values()))].map(([memberId, owned]) => {
        const assignment = Object.fromEntries([...counts].map(([topic, count]) => [topic, owned.filter((each) => each < count)]))
        return { memberId, memberAssignment: MemberAssignment.encode({ version, assignment, userData: Buffer.alloc(0) }) }
      })
    },
  })
}

const name = 'lapwing-co-partitioned'
const version = 0

/** Comes from other members: what is not whole numbers of four bytes is no claim. */
function claimsIn(userData: Buffer | null | undefined): number[] {
  return Array.from({ length: Math.floor((userData?.length ?? 0) / 4) }, (_, i) => userData!.readInt32LE(i * 4))
}

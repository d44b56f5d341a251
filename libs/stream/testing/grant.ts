/** ACLs on a broker, in words. */
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs'
import type { KafkaAccess } from '../src/kafka-access.ts'

export interface Grant {
  /** `User:name`. */
  readonly principal: string
  readonly on: 'topic' | 'group' | 'id'
  readonly name: string
  /** Whether the name is only the beginning. */
  readonly prefixed?: true
  readonly operations: readonly ('read' | 'write' | 'describe' | 'describeConfigs')[]
}

const operationTypes = {
  read: AclOperationTypes.READ,
  write: AclOperationTypes.WRITE,
  describe: AclOperationTypes.DESCRIBE,
  describeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
}
const resourceTypes = { topic: AclResourceTypes.TOPIC, group: AclResourceTypes.GROUP, id: AclResourceTypes.TRANSACTIONAL_ID }

/** @param access of a user who may do this */
export async function grantAll(broker: string, access: KafkaAccess, grants: readonly Grant[]): Promise<void> {
  const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, ...access }).admin()
  await admin.connect()
  const acl = grants.flatMap(({ principal, on, name, prefixed, operations }) =>
    operations.map((operation) => ({
      resourceType: resourceTypes[on],
      resourceName: name,
      resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
      principal,
      host: '*',
      operation: operationTypes[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  )
  await admin.createAcls({ acl })
  await admin.disconnect()
}

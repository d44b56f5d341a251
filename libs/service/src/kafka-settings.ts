/** Section `kafka`: where the brokers are, how they are spoken to, and the names of the topics. */
import { z } from 'zod'
import { readableFile, secret } from './config-fields.ts'

const tls = z
  .strictObject({
    /** Who signs the certificates of the brokers; without it what Node trusts. */
    ca_file: readableFile().optional(),
    cert_file: readableFile().optional(),
    key_file: readableFile().optional(),
  })
  .refine(({ cert_file, key_file }) => (cert_file === undefined) === (key_file === undefined), {
    message: 'expected cert_file and key_file together',
  })

const sasl = z
  .strictObject({
    mechanism: z.enum(['scram-sha-512', 'scram-sha-256', 'plain']).default('scram-sha-512'),
    username: z.string().min(1),
    password: secret().optional(),
    password_file: readableFile().optional(),
  })
  .refine(({ password, password_file }) => (password === undefined) !== (password_file === undefined), {
    message: 'expected password or password_file',
  })

export const kafkaSchema = z
  .strictObject({
    brokers: z.array(z.string().regex(/^[^\s:]+:\d+$|^\[.+\]:\d+$/, 'expected host:port')).default([]),
    tls: tls.optional(),
    sasl: sasl.optional(),
    topic_prefix: z
      .string()
      .regex(/^[a-zA-Z0-9-]+$/, 'expected letters, digits and dashes')
      .default('lapwing'),
    partitions: z.int().min(1).max(1000).default(8),
  })
  .refine(({ sasl: login, tls: encryption }) => login?.mechanism !== 'plain' || encryption !== undefined, {
    message: 'mechanism plain sends the password as it is: expected tls as well',
    path: ['sasl', 'mechanism'],
  })
  .prefault({})

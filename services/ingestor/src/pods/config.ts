/** Section `pods` of the configuration. */
import { z } from 'zod'

/** A name of Kubernetes, or `*` for all. */
const namespace = z
  .string()
  .regex(/^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$/, 'expected the name of a namespace, or * for all of them')

export const podsSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8087),
    /** Whose pods are watched. Empty: those of the namespace that it runs in. */
    namespaces: z.array(namespace).default([]),
  })
  .prefault({})

/**
 * Preloaded into a service under test: its connections to one port go to another, where a proxy stands. Brokers tell clients their own
 * address, so a proxy in front of them is passed by otherwise; this way neither broker nor service has to know of it.
 */
import net from 'node:net'

const [from, to] = process.env.LAPWING_TEST_REDIRECT.split(':').map(Number)
const connect = net.connect
net.connect = (target, ...rest) => connect(target?.port === from ? { ...target, port: to } : target, ...rest)

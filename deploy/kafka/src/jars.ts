/**
 * The jars of Apache Kafka, pinned: what one broker with its controller needs to run on Java 17, 36 MB.
 *
 * Found by leaving out of `kafka_2.13`'s run-time dependencies whatever formatting, running, transactions, groups and all four
 * compressions do without (remote storage, CSV and YAML of log4j, Scala reflection, OAuth). slf4j-simple is added, to log to
 * standard error. A new version of Kafka means finding this list again; a missing class shows in the first integration test.
 */

export interface Jar {
  /** `group:artifact:version`. */
  readonly coordinates: string
  readonly bytes: number
  /** Of the file, as hexadecimal digits. */
  readonly sha256: string
}

export const kafkaVersion = '4.1.2'

export const kafkaJars: readonly Jar[] = [
  {
    coordinates: 'org.apache.kafka:kafka_2.13:4.1.2',
    bytes: 2064221,
    sha256: '965af2d9c19be0c169110eb18468a0bee24e24d14071a57c7f8a57bc4d3f990e',
  },
  {
    coordinates: 'at.yawk.lz4:lz4-java:1.10.1',
    bytes: 910232,
    sha256: 'a58a84c4271e50df4c96ed916ccb7e48a869f8ed9cdcda1ad5d3d4c33b0214a3',
  },
  {
    coordinates: 'com.fasterxml.jackson.core:jackson-annotations:2.19.4',
    bytes: 79311,
    sha256: 'ab26383fa3c10c0df1ffd1bb035d81161c059b1af71927d73c24473c058baa16',
  },
  {
    coordinates: 'com.fasterxml.jackson.core:jackson-core:2.19.4',
    bytes: 591409,
    sha256: '466ae4dc4f7054f51525f4211df411d9a64d65cc169995d32bf49e20e6f586e5',
  },
  {
    coordinates: 'com.fasterxml.jackson.core:jackson-databind:2.19.4',
    bytes: 1679441,
    sha256: 'b781c431be870deb0bf84421e99e774c256a701f4ba678df80248f55cd16ff74',
  },
  {
    coordinates: 'com.fasterxml.jackson.datatype:jackson-datatype-jdk8:2.19.4',
    bytes: 36413,
    sha256: 'c0e0dc3039f9a37a099b2602838f833ea8c15c56445a0eb5463d0c7e0c355da2',
  },
  {
    coordinates: 'com.github.luben:zstd-jni:1.5.6-10',
    bytes: 7305999,
    sha256: 'b6c3237e24b8252a5a9c3a0e1ae30ef8f323412e74bd358548b7a9e527d676df',
  },
  {
    coordinates: 'com.google.re2j:re2j:1.8',
    bytes: 114335,
    sha256: '7b52c72156dd7f98b3237a5b35c1d34fba381b21048c89208913ad80a45dfbd7',
  },
  {
    coordinates: 'com.typesafe.scala-logging:scala-logging_2.13:3.9.5',
    bytes: 61858,
    sha256: '87a3017d3f43e6ace7566fe4c3d615134c6914ff871c8d64bb32ca1d996d0545',
  },
  {
    coordinates: 'com.yammer.metrics:metrics-core:2.2.0',
    bytes: 82123,
    sha256: '6b7a14a6f34c10f8683f7b5e2f39df0f07b58c7dff0e468ebbc713905c46979c',
  },
  {
    coordinates: 'commons-logging:commons-logging:1.3.5',
    bytes: 73737,
    sha256: '6d7a744e4027649fbb50895df9497d109f98c766a637062fe8d2eabbb3140ba4',
  },
  {
    coordinates: 'commons-validator:commons-validator:1.10.1',
    bytes: 203132,
    sha256: 'ed74711a78d793ca37f6075e4a1e93d107233dfd20d0bb17e32bad88d38e56aa',
  },
  {
    coordinates: 'net.sf.jopt-simple:jopt-simple:5.0.4',
    bytes: 78146,
    sha256: 'df26cc58f235f477db07f753ba5a3ab243ebe5789d9f89ecf68dd62ea9a66c28',
  },
  {
    coordinates: 'net.sourceforge.argparse4j:argparse4j:0.7.0',
    bytes: 90347,
    sha256: '65ceb669d88f63306c680f8088bbf765bbca72d288a61a03703000076c3d3f56',
  },
  {
    coordinates: 'org.apache.kafka:kafka-clients:4.1.2',
    bytes: 9769826,
    sha256: 'afe861c05067f4018a3148d73c1ed1e5fc90808757c15b043527d7e535a5d431',
  },
  {
    coordinates: 'org.apache.kafka:kafka-coordinator-common:4.1.2',
    bytes: 100654,
    sha256: '0e6697b6827fa635b4686ec9754b1c5583f4997e9bc0f33a8518f1dee518a454',
  },
  {
    coordinates: 'org.apache.kafka:kafka-group-coordinator-api:4.1.2',
    bytes: 11914,
    sha256: '781f932fb3e3824420e7554ef745b57e1827dd801cfc71bf8fd31eef56e60638',
  },
  {
    coordinates: 'org.apache.kafka:kafka-group-coordinator:4.1.2',
    bytes: 915256,
    sha256: '1925a002ef7c527b72a0877ed0d9f3a5f88a08d130d1ed2bdfcc40457ded354b',
  },
  {
    coordinates: 'org.apache.kafka:kafka-metadata:4.1.2',
    bytes: 840858,
    sha256: 'ccc29f5423cf5fbe63b47871dbce00a16e05a38bd0d531b3bf21e5c71ba54fac',
  },
  {
    coordinates: 'org.apache.kafka:kafka-raft:4.1.2',
    bytes: 309751,
    sha256: '01f6717d07472b577a1cfe1cdf4d098b14a1dae4e35574164712801bd2a55cce',
  },
  {
    coordinates: 'org.apache.kafka:kafka-server-common:4.1.2',
    bytes: 371073,
    sha256: '0f1d8fb9478ca0e3eea23b81064749738b9bff705704067e2fe8d62047e5fc07',
  },
  {
    coordinates: 'org.apache.kafka:kafka-server:4.1.2',
    bytes: 219116,
    sha256: '2b849f1c9d3d9a08a5ea4c2f0479c552592cd770d72263d8d1610701a9b3e8d4',
  },
  {
    coordinates: 'org.apache.kafka:kafka-share-coordinator:4.1.2',
    bytes: 111777,
    sha256: 'fffacfaa46e7f25696f673035f86669422ae81889dfd28d8fec29500ee888310',
  },
  {
    coordinates: 'org.apache.kafka:kafka-storage-api:4.1.2',
    bytes: 26987,
    sha256: '79910cc7d0e3d3a9d9ce6f30f6f000cd355321f604a0f6c73c948389d1b41457',
  },
  {
    coordinates: 'org.apache.kafka:kafka-storage:4.1.2',
    bytes: 591039,
    sha256: '902a08f775a9957e1546ecec8e22fbda73b84be9dfbdf04cce7a023dd60bf8b9',
  },
  {
    coordinates: 'org.apache.kafka:kafka-tools-api:4.1.2',
    bytes: 9072,
    sha256: '6d4d6a33b0dcd2180e7489c58c0089f8fb502e7a095cdd46f57755df462f00ae',
  },
  {
    coordinates: 'org.apache.kafka:kafka-transaction-coordinator:4.1.2',
    bytes: 50504,
    sha256: '20939d46e1e65a34d6a59b447f0a5e63721678abbfdc948a5f9422930d71612c',
  },
  {
    coordinates: 'org.apache.logging.log4j:log4j-api:2.25.3',
    bytes: 350610,
    sha256: 'e886682920fa0fb9d6eb6395dcb4de088443f8646c89c5e5846e168e327f406f',
  },
  {
    coordinates: 'org.apache.logging.log4j:log4j-core:2.25.3',
    bytes: 2018402,
    sha256: '362b7fcb65b73aa46cc4bc53abf4eb216f444a83b5d1a037cb6fdfff0ae9f0f9',
  },
  {
    coordinates: 'org.hdrhistogram:HdrHistogram:2.2.2',
    bytes: 177206,
    sha256: '22d1d4316c4ec13a68b559e98c8256d69071593731da96136640f864fa14fad8',
  },
  {
    coordinates: 'org.pcollections:pcollections:4.0.2',
    bytes: 73718,
    sha256: '2bbeef5797a241300c4f7513cd546239629ed7deda4fc0c31df90bb95f5f13ef',
  },
  {
    coordinates: 'org.scala-lang:scala-library:2.13.16',
    bytes: 5926340,
    sha256: '1ebb2b6f9e4eb4022497c19b1e1e825019c08514f962aaac197145f88ed730f1',
  },
  {
    coordinates: 'org.slf4j:slf4j-api:1.7.36',
    bytes: 41125,
    sha256: 'd3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0',
  },
  {
    coordinates: 'org.slf4j:slf4j-simple:1.7.36',
    bytes: 15333,
    sha256: '2f39bed943d624dfa8f4102d0571283a10870b6aa36f197a8a506f147010c10f',
  },
  {
    coordinates: 'org.xerial.snappy:snappy-java:1.1.10.7',
    bytes: 2338496,
    sha256: '4c766cb3f855415ee734b2392949a0b6f12a60879334a74518deaf6270d32e36',
  },
]

/** Below a Maven repository: `group/artifact/version/artifact-version.jar`. */
export function jarPath(jar: Jar): string {
  const [group, artifact, version] = jar.coordinates.split(':')
  return `${group!.replaceAll('.', '/')}/${artifact}/${version}/${jarName(jar)}`
}

/** Its file name. */
export function jarName({ coordinates }: Jar): string {
  const [, artifact, version] = coordinates.split(':')
  return `${artifact}-${version}.jar`
}

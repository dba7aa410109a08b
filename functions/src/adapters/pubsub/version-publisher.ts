import type { PubSub } from '@google-cloud/pubsub';
import type { EntityVersion, VersionPublisher } from '../../ports/published-state.ts';

/** A version as its topic's schema has it, in Avro's JSON: infra/state-history-sql.ts. */
interface VersionMessage {
  readonly namespace: string;
  readonly entity: string;
  readonly version: number;
  readonly schema_version: number;
  readonly token: string;
  /** The value's canonical text. */
  readonly state: string;
  /** Store time, in microseconds since the epoch. */
  readonly at: number;
}

/** Versions as messages of a topic, from which a subscription keeps them. */
export function pubsubVersions(pubsub: PubSub, topicName: string): VersionPublisher {
  const topic = pubsub.topic(topicName, { batching: { maxMilliseconds: 2, maxMessages: 100 } });
  return {
    async publish(versions) {
      await Promise.all(
        versions.map((version) => topic.publishMessage({ json: messageOf(version) })),
      );
    },
  };
}

function messageOf(made: EntityVersion): VersionMessage {
  const { namespace, entity, version, schemaVersion, token, text, at } = made;
  return {
    namespace,
    entity,
    version,
    schema_version: schemaVersion,
    token,
    state: text,
    at: Math.round(at * 1_000),
  };
}

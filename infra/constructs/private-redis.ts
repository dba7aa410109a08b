import { ComputeGlobalAddress } from '@cdktf/provider-google/lib/compute-global-address/index.js';
import { ComputeNetwork } from '@cdktf/provider-google/lib/compute-network/index.js';
import { ComputeSubnetwork } from '@cdktf/provider-google/lib/compute-subnetwork/index.js';
import { RedisInstance } from '@cdktf/provider-google/lib/redis-instance/index.js';
import { ServiceNetworkingConnection } from '@cdktf/provider-google/lib/service-networking-connection/index.js';
import { VpcAccessConnector } from '@cdktf/provider-google/lib/vpc-access-connector/index.js';
import { TerraformOutput } from 'cdktf';
import type { Environment } from '../environment.ts';
import { CONNECTOR } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';
import { keyGrants } from './key-grant.ts';

/**
 * Redis that only this project's functions reach, over a network of its own: for short-lived tokens at a
 * high rate. Its replication is asynchronous, so a failover can forget a claim that was granted.
 */
export function privateRedis(
  stack: ProjectStack,
  { memoryGb, replicated }: NonNullable<Environment['optional']['redis']>,
): void {
  const { region, optional, protectData } = stack.environment;
  const network = new ComputeNetwork(stack, 'network', {
    name: 'agent-once',
    autoCreateSubnetworks: false,
  });
  const range = new ComputeGlobalAddress(stack, 'service-range', {
    name: 'agent-once-services',
    purpose: 'VPC_PEERING',
    addressType: 'INTERNAL',
    prefixLength: 24,
    network: network.id,
  });
  const peering = new ServiceNetworkingConnection(stack, 'service-peering', {
    network: network.id,
    service: 'servicenetworking.googleapis.com',
    reservedPeeringRanges: [range.name],
  });
  const subnetwork = new ComputeSubnetwork(stack, 'subnetwork', {
    name: 'agent-once-connector',
    region,
    network: network.id,
    ipCidrRange: '10.8.0.0/28',
    privateIpGoogleAccess: true,
  });
  new VpcAccessConnector(stack, 'connector', {
    name: CONNECTOR,
    region,
    subnet: { name: subnetwork.name },
    machineType: 'e2-micro',
    minInstances: 2,
    maxInstances: 10,
  });
  const redis = new RedisInstance(stack, 'redis', {
    name: 'agent-once',
    region,
    tier: replicated ? 'STANDARD_HA' : 'BASIC',
    memorySizeGb: memoryGb,
    redisVersion: 'REDIS_7_2',
    authorizedNetwork: network.id,
    connectMode: 'PRIVATE_SERVICE_ACCESS',
    authEnabled: true,
    transitEncryptionMode: 'SERVER_AUTHENTICATION',
    // Tokens run out by themselves. One that were dropped for lack of memory would run its effect again.
    redisConfigs: { 'maxmemory-policy': 'noeviction' },
    ...(optional.encryptionKey !== undefined && { customerManagedKey: optional.encryptionKey }),
    dependsOn: [peering, ...keyGrants(stack, ['cloud-redis'])],
    lifecycle: { preventDestroy: protectData },
  });
  new TerraformOutput(stack, 'redis-host', { value: redis.host });
}

// What this cloud uses of the EC2 API: the actions with the fields that are sent and read, no others. The names are those of the EC2 API reference and of
// the vendor's library, so that the library's client fits as it is. The library is not needed to read or test anything but sdk.ts.

export interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}
export interface TagSpecification {
  readonly ResourceType: 'instance' | 'volume' | 'spot-instances-request' | 'security-group' | 'elastic-ip';
  readonly Tags: readonly Tag[];
}
export interface Filter {
  readonly Name: string;
  readonly Values: readonly string[];
}

export interface Ec2Instance {
  readonly InstanceId?: string | undefined;
  readonly InstanceType?: string | undefined;
  /** 'spot' or absent. */
  readonly InstanceLifecycle?: string | undefined;
  readonly State?: { readonly Name?: string | undefined } | undefined;
  readonly StateReason?: { readonly Code?: string | undefined; readonly Message?: string | undefined } | undefined;
  readonly Placement?: { readonly AvailabilityZone?: string | undefined } | undefined;
  readonly PublicIpAddress?: string | undefined;
  readonly PrivateIpAddress?: string | undefined;
  readonly Tags?: readonly Tag[] | undefined;
}
export interface SecurityGroup {
  readonly GroupId?: string | undefined;
  readonly Tags?: readonly Tag[] | undefined;
}
export interface Address {
  readonly AllocationId?: string | undefined;
  readonly AssociationId?: string | undefined;
  readonly InstanceId?: string | undefined;
  readonly PublicIp?: string | undefined;
  readonly Tags?: readonly Tag[] | undefined;
}

interface DryRun {
  readonly DryRun?: boolean;
}
interface Paged {
  readonly MaxResults?: number;
  readonly NextToken?: string;
}
interface Page {
  readonly NextToken?: string | undefined;
}

export interface RunInstancesInput extends DryRun {
  readonly ClientToken: string;
  readonly ImageId: string;
  readonly InstanceType: string;
  readonly MinCount: number;
  readonly MaxCount: number;
  /** Base64. */
  readonly UserData: string;
  readonly KeyName?: string;
  readonly LaunchTemplate?: { readonly LaunchTemplateId?: string; readonly LaunchTemplateName?: string; readonly Version: string };
  readonly InstanceInitiatedShutdownBehavior: 'terminate';
  readonly MetadataOptions: { readonly HttpTokens: 'required'; readonly HttpEndpoint: 'enabled'; readonly HttpPutResponseHopLimit: number };
  readonly NetworkInterfaces: readonly {
    readonly DeviceIndex: number;
    readonly AssociatePublicIpAddress: boolean;
    readonly DeleteOnTermination: boolean;
    readonly Groups?: readonly string[];
  }[];
  readonly TagSpecifications: readonly TagSpecification[];
  readonly Placement?: { readonly AvailabilityZone: string };
  readonly InstanceMarketOptions?: {
    readonly MarketType: 'spot';
    readonly SpotOptions: { readonly SpotInstanceType: 'one-time'; readonly InstanceInterruptionBehavior: 'terminate' };
  };
}

export interface IpPermission {
  readonly IpProtocol: string;
  readonly FromPort: number;
  readonly ToPort: number;
  readonly IpRanges: readonly { readonly CidrIp: string }[];
  readonly Ipv6Ranges: readonly { readonly CidrIpv6: string }[];
}

/** Input and output of each action that is called; permissions.ts gives the reason for each. */
export interface Ec2Actions {
  RunInstances: { input: RunInstancesInput; output: { readonly Instances?: readonly Ec2Instance[] | undefined } };
  DescribeInstances: {
    input: Paged & { readonly InstanceIds?: readonly string[]; readonly Filters?: readonly Filter[] };
    output: Page & { readonly Reservations?: readonly { readonly Instances?: readonly Ec2Instance[] | undefined }[] | undefined };
  };
  TerminateInstances: {
    input: { readonly InstanceIds: readonly string[] };
    output: { readonly TerminatingInstances?: readonly { readonly InstanceId?: string | undefined }[] | undefined };
  };
  CreateSecurityGroup: {
    input: DryRun & {
      readonly GroupName: string;
      readonly Description: string;
      readonly TagSpecifications: readonly TagSpecification[];
    };
    output: { readonly GroupId?: string | undefined };
  };
  DescribeSecurityGroups: {
    input: Paged & { readonly Filters?: readonly Filter[]; readonly GroupNames?: readonly string[] };
    output: Page & { readonly SecurityGroups?: readonly SecurityGroup[] | undefined };
  };
  AuthorizeSecurityGroupIngress: { input: { readonly GroupId: string; readonly IpPermissions: readonly IpPermission[] }; output: object };
  DeleteSecurityGroup: { input: { readonly GroupId: string }; output: object };
  AllocateAddress: {
    input: DryRun & { readonly Domain: 'vpc'; readonly TagSpecifications: readonly TagSpecification[] };
    output: { readonly AllocationId?: string | undefined; readonly PublicIp?: string | undefined };
  };
  AssociateAddress: { input: { readonly AllocationId: string; readonly InstanceId: string }; output: object };
  /** Not paged by the vendor. */
  DescribeAddresses: {
    input: { readonly Filters?: readonly Filter[] };
    output: { readonly Addresses?: readonly Address[] | undefined };
  };
  DisassociateAddress: { input: { readonly AssociationId: string }; output: object };
  ReleaseAddress: { input: { readonly AllocationId: string }; output: object };
  DescribeAvailabilityZones: {
    input: object;
    output: {
      readonly AvailabilityZones?: readonly { readonly ZoneName?: string | undefined; readonly State?: string | undefined }[] | undefined;
    };
  };
  DescribeInstanceTypeOfferings: {
    input: Paged & { readonly LocationType: 'availability-zone'; readonly Filters: readonly Filter[] };
    output: Page & {
      readonly InstanceTypeOfferings?:
        | readonly { readonly InstanceType?: string | undefined; readonly Location?: string | undefined }[]
        | undefined;
    };
  };
  DescribeSpotPriceHistory: {
    input: Paged & { readonly StartTime: Date; readonly InstanceTypes: readonly string[]; readonly ProductDescriptions: readonly string[] };
    output: Page & {
      readonly SpotPriceHistory?:
        | readonly { readonly InstanceType?: string | undefined; readonly SpotPrice?: string | undefined }[]
        | undefined;
    };
  };
  DescribeImages: {
    input: { readonly ImageIds: readonly string[] };
    output: { readonly Images?: readonly { readonly ImageId?: string | undefined }[] | undefined };
  };
  DescribeAccountAttributes: {
    input: { readonly AttributeNames: readonly string[] };
    output: {
      readonly AccountAttributes?:
        | readonly {
            readonly AttributeName?: string | undefined;
            readonly AttributeValues?: readonly { readonly AttributeValue?: string | undefined }[] | undefined;
          }[]
        | undefined;
    };
  };
}

export type ActionName = keyof Ec2Actions;

/** One request, no retry. Rejects with an error whose `name` is the vendor's code, or the network's. */
export type SendToEc2 = <Name extends ActionName>(name: Name, input: Ec2Actions[Name]['input']) => Promise<Ec2Actions[Name]['output']>;

export const tagOf = (tags: readonly Tag[] | undefined, key: string): string | undefined => tags?.find((tag) => tag.Key === key)?.Value;

import { GoogleProvider } from '@cdktf/provider-google/lib/provider/index.js';
import { TerraformVariable } from 'cdktf';
import { Construct } from 'constructs';

/** The project and location that a stack is applied to: Terraform variables, so synthesis needs neither. */
export class GoogleProject extends Construct {
  readonly location: string;

  constructor(scope: Construct) {
    super(scope, 'google');
    const project = new TerraformVariable(scope, 'project', {
      type: 'string',
      description: 'Google Cloud project id',
    });
    const location = new TerraformVariable(scope, 'location', {
      type: 'string',
      description: 'Region of everything that has one',
      default: 'europe-west1',
    });
    new GoogleProvider(this, 'provider', {
      project: project.stringValue,
      region: location.stringValue,
    });
    this.location = location.stringValue;
  }
}

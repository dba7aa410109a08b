import type { AnyStep, AnyWorkflow } from 'agent-once';
import { fulfilOrder } from './order/fulfil.ts';
import { plannerSteps } from './planner/steps.ts';

/** The steps that this deployment runs on their own. Add yours here. */
export const steps: readonly AnyStep[] = [...plannerSteps];

/** The workflows, with the steps of their members. Keep old versions while they have workflows. */
export const workflows: readonly AnyWorkflow[] = [fulfilOrder];

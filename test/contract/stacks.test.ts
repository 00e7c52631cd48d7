import { withLimits } from '../support/contract-test.js';
import { stacksUnderTest } from '../support/stacks.js';
import { describeDriverContract } from './index.js';
import { describeUdpContract } from './udp.js';

// The readiness driver on stacks that are described by a profile: the same tests, but for what a stack forbids.
for (const stack of stacksUnderTest()) {
  withLimits(stack.name, stack.limits ?? [], () => {
    describeDriverContract(stack);
    describeUdpContract(stack);
  });
}

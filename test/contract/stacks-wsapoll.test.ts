import { withLimits } from '../support/contract-test.js';
import { winsockPoll } from '../support/stacks.js';
import { describeDriverContract } from './index.js';
import { describeUdpContract } from './udp.js';

for (const stack of winsockPoll()) {
  withLimits(stack.name, stack.limits ?? [], () => {
    describeDriverContract(stack);
    describeUdpContract(stack);
  });
}

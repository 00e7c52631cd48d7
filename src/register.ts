import { replaceNodeNet } from './net/install.js';

replaceNodeNet();

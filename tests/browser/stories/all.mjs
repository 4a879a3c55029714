// Every story, the longest first.
import { mainJobs } from './main_job.mjs';

export const stories = [...mainJobs];

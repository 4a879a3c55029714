// Every story, the longest first, so that the two at a time end together.
import { doorStories } from './doors.mjs';
import { firstSignIns } from './first_sign_in.mjs';
import { mainJobs } from './main_job.mjs';
import { sheetStories } from './sheets.mjs';
import { refusalStories } from './refusals.mjs';

export const stories = [...mainJobs, ...refusalStories, ...doorStories, ...firstSignIns, ...sheetStories];

import { page } from "./page.js";
import type { Operation } from "./router.js";
import { putTags } from "./tags.js";

/** CreateJobTemplate. */
export const createJobTemplate: Operation = (request, services) => {
  const made = services.services.jobs.templates.create({
    ...request.members,
    jobTemplateId: request.label("jobTemplateId"),
  });
  putTags(request, services, made.jobTemplateArn);
  return made;
};

/** DescribeJobTemplate. */
export const describeJobTemplate: Operation = (request, { services }) =>
  services.jobs.templates.describe(request.label("jobTemplateId"));

/** ListJobTemplates. */
export const listJobTemplates: Operation = (request, { services }) =>
  page(
    request,
    "nextToken",
    "jobTemplates",
    services.jobs.templates.list(),
    ({ jobTemplateId }) => jobTemplateId,
    ({ jobTemplateArn, jobTemplateId, description, createdAt }) => ({
      jobTemplateArn,
      jobTemplateId,
      description,
      createdAt,
    }),
  );

/** DeleteJobTemplate. */
export const deleteJobTemplate: Operation = (request, { services }) => {
  services.jobs.templates.delete(request.label("jobTemplateId"));
};

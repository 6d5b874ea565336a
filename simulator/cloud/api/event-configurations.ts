import type { Operation } from "./router.js";

/** DescribeEventConfigurations. */
export const describeEventConfigurations: Operation = (_, { services }) =>
  services.events.describe();

/** UpdateEventConfigurations: the kinds that it names are switched, the others stay. */
export const updateEventConfigurations: Operation = (request, { services }) => {
  const given = request.structure("eventConfigurations");
  services.events.update(
    Object.fromEntries(
      Object.keys(given.members).map((type) => [
        type,
        given.structure(type).optionalFlag("Enabled") ?? false,
      ]),
    ),
  );
  return {};
};

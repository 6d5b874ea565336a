import {
  checkTopicFilter,
  checkTopicName,
  matches,
} from "../../../modules/mqtt/topics.js";
import { equal, throws } from "../assert.js";
import { test } from "../harness.js";

test("matches filters as the specification's examples say", () => {
  const yes: [string, string][] = [
    ["sport/tennis/player1/#", "sport/tennis/player1"],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"],
    ["sport/#", "sport"],
    ["#", "a/b"],
    ["#", "/"],
    ["sport/tennis/+", "sport/tennis/player1"],
    ["sport/+", "sport/"],
    ["+", "finance"],
    ["+/+", "/finance"],
    ["/+", "/finance"],
    ["+/tennis/#", "sport/tennis"],
    ["$SYS/#", "$SYS/monitor"],
    ["$SYS/monitor/+", "$SYS/monitor/Clients"],
    ["a//b", "a//b"],
    ["a/+/b", "a//b"],
    ["$share/group/a/+", "a/b"],
    ["$share/group/$SYS/#", "$SYS/x"],
    ["a/é/+", "a/é/☃"],
  ];
  const no: [string, string][] = [
    ["sport/tennis/+", "sport/tennis/player1/ranking"],
    ["sport/+", "sport"],
    ["+", "/finance"],
    ["#", "$SYS/monitor"],
    ["+/monitor/Clients", "$SYS/monitor/Clients"],
    ["$share/group/#", "$SYS/x"],
    ["a/b", "a/b/c"],
    ["a/b/c", "a/b"],
    ["a/b", "a/B"],
    ["a", "a/"],
    ["a/", "a"],
    ["ACCOUNTS", "Accounts"],
    ["sport/#", "sports"],
  ];
  for (const [filter, topic] of yes)
    equal(matches(filter, topic), true, `${filter} ${topic}`);
  for (const [filter, topic] of no)
    equal(matches(filter, topic), false, `${filter} ${topic}`);
});

test("refuses filters and names that MQTT does not have", () => {
  for (const filter of [
    "",
    "sport/tennis#",
    "sport/tennis/#/ranking",
    "sport+",
    "a/+b",
    "##",
    "a\u0000",
    "$share/group",
    "$share//a",
    "$share/a+/b",
    "$share/group/",
    "a".repeat(65_536),
  ])
    throws(() => checkTopicFilter(filter), RangeError);
  for (const topic of ["", "a/#", "+", "a\u0000", "\ud800", "é".repeat(40_000)])
    throws(() => checkTopicName(topic), RangeError);
  for (const filter of ["#", "+", "/", "a/+/#", "$share/g/+/x", "😀"])
    checkTopicFilter(filter);
  for (const topic of ["/", " ", "a/b", "$x", "😀", "a".repeat(65_535)])
    checkTopicName(topic);
});

// Package installation makes large installations for benchmarks and tests: a hundred thousand servers and ten million
// devices, in tenants whose sizes follow Zipf's law.
//
// What it makes is real. Servers are adopted by the runner itself. Plans are copies: a small host with a fake Apple and a
// hundred devices takes one plan through its whole life, its records are kept at several moments, and each copy gets its own
// tenant, servers, devices, times and signatures, and its own chain of audit entries. So the runner opens an installation and
// goes on with it. A copy differs from what the runner would have made in three things: the digest that was approved is that
// of the plan it is a copy of, audit entries wait for their first export, and nobody has spent a budget.
package installation

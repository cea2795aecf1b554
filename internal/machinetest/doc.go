// Package machinetest proves pure machines: values with a Step function, as packages renewal and migration have them.
//
// What a machine can do is shown in a matrix of every state and event (see [Machine.Matrix]); that it keeps its promises in
// everything that can be reached, by exploring it ([Machine.Explore]); that it ends whatever the world answers, by running
// it ([Machine.Run]); that steps share nothing ([Machine.Apart]); that nothing is lost or done twice, by crashing its host at every step ([Machine.CrashEverywhere]);
// and how a long story goes, by scripts ([Scripts]). The checks return errors, so that they are tested themselves.
//
// Golden files are rewritten by the test's flag -update; this package defines it.
package machinetest

// Package storage says how abmrenew keeps what it must not lose, and knows no domain type: a [Record] is a key,
// a few columns to find it by, and opaque bytes.
//
// A [Store] is five methods. Its one promise is [Store.Commit]: several records change together or not at all,
// and only if each of them is still at the version that the caller read. Everything that this library
// guarantees (a token activated whole or not at all, an effect never forgotten) rests on that promise, so an
// adapter proves itself with package storagetest before it is used.
//
// Above a store stand two typed rooms: a [Repo] keeps the snapshots of one kind as signed, versioned JSON and
// upgrades old ones as they are read; a [Vault] keeps secrets, sealed before they reach the store. Both take
// their cryptography from a [Sealer]; package seal is the one that ships.
//
// Adapters: memory (tests), bolt (the embedded default).
package storage

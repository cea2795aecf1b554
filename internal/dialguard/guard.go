// Package dialguard keeps connections to the kind of address that a service can have, whatever a resolver says.
package dialguard

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrAddress says that a name led to an address that its service cannot have.
var ErrAddress = errors.New("refused to connect to this address")

// A Guard decides which addresses may be dialed.
type Guard func(netip.Addr) bool

// The guards.
var (
	Public   Guard = public
	Any      Guard = func(netip.Addr) bool { return true } // behind a proxy, which resolves names itself
	Loopback Guard = func(addr netip.Addr) bool { return addr.Unmap().IsLoopback() }
)

// Control is the Control of a net.Dialer: it runs after resolution and before the connection, once per address.
func (g Guard) Control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" || !g(to.Addr()) {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	return nil
}

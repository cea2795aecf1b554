// Command abmctl is a complete host of the library on its embedded store: enough for a small service provider as it is,
// and the reference of how the parts are put together.
//
//	abmctl server add "Acme MDM" --cert-out acme.pem     the certificate for Apple's portal
//	abmctl steps renew                                   what to click there
//	abmctl renew upload SERVER token.p7m                 checks the new token and puts it in use
//	abmctl run --every 5m                                probes, reminders, retries
//	abmctl migrate plan --from OLD --to NEW --all        how devices would move when a server is lost
//
// With --json it writes one JSON object or array to standard output and nothing else; messages for people go to standard
// error. The exit status says how it ended:
//
//	0 done                                    6 of another server, organization, tenant or topic
//	1 anything else                           7 no newer than the one in use
//	2 usage                                   8 refused by the state or a safety rule
//	3 expired                                 9 Apple refused (rejected, terms, access)
//	4 no key fits, or not the password       10 Apple out of reach
//	5 not a server token or push certificate
package main

import (
	"context"
	"os"
	"os/signal"
	"os/user"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], process{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		terminal: isTerminal(os.Stderr), user: loginName(), now: time.Now,
	})
	stop()
	os.Exit(status)
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// loginName is who the operating system says that uses the program.
func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

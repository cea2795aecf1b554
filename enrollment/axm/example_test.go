package axm_test

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

// A device moves to another service, and is read back there.
func Example() {
	ctx := context.Background()
	apple := appletest.New(appletest.Options{}) // a fake, in place of Apple
	org := apple.AddOrganization("Acme Inc.")
	admin := org.AddAdmin("it@acme.example")
	org.AddDevices(appletest.Device{Serial: "C02XK1TQJG5J"})
	keys, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := admin.CreateAPIAccount()
	if err != nil {
		fmt.Println(err)
		return
	}

	credentials, err := axm.NewCredentials(account.ClientID, account.KeyID, account.PrivateKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := axm.NewClient(credentials, axm.Options{
		Transport: apple.Transport(), UserAgent: "Acme MDM/7.1", Budget: axm.NewBudget(10, time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := client.CreateServer(ctx, "Acme MDM", keys.CertificatePEM())
	if err != nil {
		fmt.Println(err)
		return
	}
	activity, err := client.Assign(ctx, server.ID, "C02XK1TQJG5J")
	if err != nil {
		fmt.Println(err)
		return
	}
	activity, err = client.Activity(ctx, activity.ID) // until it has ended
	fmt.Println(activity.Status, err)
	for serial, err := range client.ServerSerials(ctx, server.ID) { // which is the proof
		fmt.Println(serial, err)
	}
	// Output:
	// COMPLETED <nil>
	// C02XK1TQJG5J <nil>
}

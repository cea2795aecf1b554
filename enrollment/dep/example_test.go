package dep_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func ExampleNewVerifier() {
	_, err := dep.NewVerifier(dep.Options{BaseURL: "http://mdm.example"})
	fmt.Println(err != nil) // another host, and without TLS
	// Output: true
}

// acme is a fake Apple where a person has assigned three devices to a service, and a client with the service's token.
// In production the source of tokens is a runner's and the options name the product.
func acme() (*appletest.Apple, *dep.Client, error) {
	keys, err := keyPair()
	if err != nil {
		return nil, nil, err
	}
	apple := appletest.New(appletest.Options{})
	org := apple.AddOrganization("Acme Inc.")
	admin := org.AddAdmin("it@acme.example")
	service, err := admin.CreateService("Acme MDM", keys.CertificatePEM())
	if err != nil {
		return nil, nil, err
	}
	org.AddDevices(appletest.Device{Serial: "C02A"}, appletest.Device{Serial: "C02B"}, appletest.Device{Serial: "C02C"})
	if err := admin.Assign(service, "C02A", "C02B", "C02C"); err != nil {
		return nil, nil, err
	}
	file, _, err := admin.DownloadToken(service)
	if err != nil {
		return nil, nil, err
	}
	token, _, err := abmtoken.Open(file, time.Now(), keys)
	if err != nil {
		return nil, nil, err
	}
	client, err := dep.NewClient(abmtoken.Static(token), dep.Options{Transport: apple.Transport(), UserAgent: "Acme MDM/7.1"})
	return apple, client, err
}

// Whose token it is.
func ExampleClient_Account() {
	_, client, err := acme()
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := client.Account(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(account.ServerName, "of", account.OrgName, "by", account.AdminID)
	// Output: Acme MDM of Acme Inc. by it@acme.example
}

// All devices, and then what happened since. The cursor is stored with the devices of its page.
func ExampleClient_FetchDevices() {
	_, client, err := acme()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	var cursor string
	for page, err := range client.FetchDevices(ctx, dep.From{Limit: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, d := range page.Devices {
			fmt.Println(d.Serial, d.ProfileStatus)
		}
		cursor = page.Cursor
	}
	for page, err := range client.SyncDevices(ctx, dep.From{Cursor: cursor}) {
		switch {
		case errors.Is(err, dep.ErrCursor):
			fmt.Println("begin again with FetchDevices")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("changes:", len(page.Devices))
		}
	}
	// Output:
	// C02A empty
	// C02B empty
	// C02C empty
	// changes: 0
}

// Each device has its own result.
func ExampleClient_AssignProfile() {
	_, client, err := acme()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	uuid, err := client.DefineProfile(ctx, dep.Profile{
		Name: "Acme", URL: "https://mdm.acme.example/enroll", Magic: "acme", Supervised: true, Mandatory: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	results, err := client.AssignProfile(ctx, uuid, "C02A", "C02X")
	if err != nil {
		fmt.Println(err, dep.Outcome(err))
	}
	for _, r := range results {
		fmt.Println(r.Serial, r.Status, r.Err())
	}
	// Output:
	// C02A SUCCESS <nil>
	// C02X NOT_ACCESSIBLE dep: POST /profile/devices: device C02X: Apple answered NOT_ACCESSIBLE; the device is not assigned to this service; check it in Apple's portal
}

// A write without an answer may have been carried out: look before it is repeated.
func ExampleOutcome() {
	apple, client, err := acme()
	if err != nil {
		fmt.Println(err)
		return
	}
	apple.Fail(appletest.Fault{Kind: appletest.CutAfter, Path: "/profile/devices"})
	_, err = client.AssignProfile(context.Background(), "P", "C02A")
	fmt.Println(dep.Outcome(err))
	apple.Heal()
	details, err := client.DeviceDetails(context.Background(), "C02A")
	fmt.Println(details[0].Device.ProfileStatus, err)
	// Output:
	// unknown
	// empty <nil>
}

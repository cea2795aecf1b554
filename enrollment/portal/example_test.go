package portal_test

import (
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment/portal"
)

func Example() {
	guide, err := portal.Steps(portal.Renew, portal.Options{
		Server: "Acme MDM", Organization: "Acme Inc.", Certificate: "acme-mdm.pem",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, step := range guide.Steps {
		fmt.Printf("%d. %s\n", i+1, step.Text)
	}
	// Output:
	// 1. Have the certificate file “acme-mdm.pem” at hand, and the page or command open that takes the new token of “Acme MDM”.
	// 2. Sign in at https://business.apple.com as a user of Acme Inc. who has the role Organization Administrator, or any role with the permission to view, add, and delete device management services.
	// 3. Go to Devices > Management Services.
	// 4. Choose “Acme MDM” in the list.
	// 5. Choose Actions (…) > Edit.
	// 6. Choose Replace Certificate and upload the certificate file “acme-mdm.pem”.
	// 7. Choose Save.
	// 8. Choose Actions (…) > Download Token.
	// 9. Upload the downloaded file (Name_Token_Date_smime.p7m) to this program at once, unopened and unchanged.
}

// The private key of the certificate at the portal is still held: the certificate need not be replaced.
func ExampleGuide_ShortWay() {
	guide, err := portal.Steps(portal.Renew, portal.Options{Server: "Acme MDM"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range guide.ShortWay().Steps {
		fmt.Println(step.ID)
	}
	// Output:
	// renew.prepare
	// renew.sign_in
	// renew.open_list
	// renew.choose_service
	// renew.download_token
	// renew.upload_token
}

// A host in another language has its own sentences, by the steps' identifiers, and keeps the portal's labels.
func ExampleStep() {
	german := map[portal.StepID]string{"renew.open_list": "Öffnen Sie"}
	guide, err := portal.Steps(portal.Renew, portal.Options{Generation: portal.Generation2026})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range guide.Steps {
		if sentence, translated := german[step.ID]; translated {
			fmt.Print(sentence)
			for _, label := range step.Path {
				fmt.Printf(" › %s", label.Text)
			}
			fmt.Println()
		}
	}
	// Output:
	// Öffnen Sie › Devices › Management Services
}

package portal

// The steps at Apple's push certificate portal, of which there is one, whatever the product and generation.
const (
	pushPrepare  StepID = "push.prepare"
	pushSignIn   StepID = "push.sign_in"
	pushRow      StepID = "push.find_certificate"
	pushRenew    StepID = "push.renew"
	pushUpload   StepID = "push.upload_request"
	pushDownload StepID = "push.download_certificate"
	pushHandIn   StepID = "push.upload_certificate"
)

// pushLook is the portal in its only generation.
var pushLook = look{
	portal: "Apple's push certificate portal", service: "push certificate", url: "https://identity.apple.com/pushcert",
	terms: "the Apple Account itself",
	role: Role{
		Names:     []string{"whoever signs in with the Apple Account that made the certificate"},
		Certainty: ByVendor, Source: nsight2025,
	},
	paths: map[StepID][]Label{
		pushRow:      path(ByVendor, nsight2025, "Certificates for Third-Party Servers"),
		pushRenew:    path(ByVendor, nsight2025, "Renew"),
		pushUpload:   path(ByVendor, nsight2025, "Choose File", "Upload"),
		pushDownload: path(ByVendor, nsight2025, "Download"),
	},
}

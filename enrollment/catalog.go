package enrollment

// catalog is the one place that gives a problem its words and statuses. {name} stands for an argument.
var catalog = map[Code]catalogEntry{
	CodeInternal:       {exit: 1, http: 500, title: "Something went wrong inside the program", next: "Try again; if it stays, report it with the log of this moment"},
	CodeNotFound:       {exit: 1, http: 404, title: "There is no such {what} here", next: "Check the ID; it must belong to this tenant"},
	CodeConflict:       {exit: 1, http: 409, title: "Somebody else changed this at the same moment", next: "Look at it again and repeat what you wanted", retry: true},
	CodeStillWorking:   {exit: 1, http: 409, title: "This is still being worked on", next: "Ask again in a few seconds", retry: true},
	CodeStoreFailed:    {exit: 1, http: 503, title: "The store did not answer", next: "Check the database or the store file, then try again", retry: true},
	CodeStoreFull:      {exit: 1, http: 507, title: "The disk of the store is full", next: "Free some space, then repeat what you did; nothing was changed", retry: true},
	CodeStoreLocked:    {exit: 1, http: 503, title: "The store file is in use by another process", next: "Let the other process finish, or stop it, then try again", retry: true},
	CodeStoreDamaged:   {exit: 1, http: 500, title: "The store holds data that this program did not write like this", next: "Restore the newest backup; do not write to the damaged store"},
	CodeKeyUnavailable: {exit: 1, http: 503, title: "The key that seals the store is out of reach", next: "Check the keyring or the key management service, then try again", retry: true},
	CodeWrongKeyring:   {exit: 1, http: 500, title: "The store was sealed with another keyring", next: "Give the keyring file that belongs to this store"},
	CodeInTransaction:  {exit: 1, http: 500, title: "This call is not possible inside the host's own transaction", next: "Make it on the runner itself, before or after the transaction"},
	CodeFIPS:           {exit: 1, http: 501, title: "Apple's protocol needs {what}, which this process forbids (FIPS 140 only)", next: "Run this part without GODEBUG=fips140=only, or allow the exception explicitly"},

	CodeInvalidInput: {exit: 2, http: 400, title: "The value of {field} is not possible", next: "It must be: {rule}"},

	CodeTokenExpired:  {exit: 3, http: 422, title: "The token expired on {expired}", next: "Download a new token at the portal and upload that"},
	CodeNoKeyFits:     {exit: 4, http: 422, title: "No key of this server opens the file", next: "It was downloaded for another certificate. Upload this server's certificate at the portal (Replace Certificate), save, then download the token again"},
	CodeCannotDecrypt: {exit: 4, http: 422, title: "The file was made for this server but does not decrypt", next: "It is damaged: download the token again and upload it unopened"},

	CodeNotServerToken: {exit: 5, http: 422, title: "This is not a server token (.p7m), but: {found}", next: "{advice}"},
	CodeTooLarge:       {exit: 5, http: 413, title: "The file is too large for a server token", next: "Upload the .p7m file that the portal gave you; it has a few kilobytes"},
	CodeUnsupported:    {exit: 5, http: 422, title: "The file is encrypted in a way that Apple's server tokens are not", next: "Upload the .p7m file exactly as the portal gave it"},
	CodeBadContent:     {exit: 5, http: 422, title: "The file opens, but what is inside is no server token", next: "Download the token again at the portal and upload it unopened"},

	CodeOtherServer:  {exit: 6, http: 409, title: "This token was downloaded for the server {server}", next: "Upload it there, or download the token of the right service"},
	CodeOtherService: {exit: 6, http: 409, title: "This token belongs to another device management service ({service})", next: "At the portal, open the service that this server stands for and download its token"},
	CodeServiceTaken: {exit: 6, http: 409, title: "The device management service of this token is already in use by another server", next: "Download the token of a service of its own; one service serves one server"},

	CodeOlderToken: {exit: 7, http: 409, title: "This token is older than another one of this server (it expires {expires}, the other {active})", next: "Probably the older of two downloads: find the newest file, or download the token once more"},

	CodeRefused:        {exit: 8, http: 409, title: "This is not possible now ({state})", next: "{next}"},
	CodeWaiting:        {exit: 8, http: 409, title: "An uploaded token waits for Apple's answer and may be the only living one", next: "Wait, or upload a newer token; the check can be repeated at any time"},
	CodeConfirm:        {exit: 8, http: 409, title: "A person must confirm that the token belongs to {organization}, service {service}, downloaded by {admin}", next: "Compare with the customer's portal, then confirm the renewal or cancel it"},
	CodePushExpired:    {exit: 8, http: 409, title: "The push certificate expired on {expired}; no command reaches a device", next: "Renew the push certificate first, or override this check with a reason"},
	CodeTooManyUploads: {exit: 8, http: 429, title: "Too many files were uploaded here", next: "Wait a minute, then try again", retry: true},
	CodePersonNeeded:   {exit: 8, http: 403, title: "Only a person may do this", next: "Sign in as a person; an API key or the system cannot confirm"},
	CodeTenantClosed:   {exit: 8, http: 409, title: "The tenant is closed", next: "Use an open tenant; what a closed one holds can only be read"},
	CodeTenantErased:   {exit: 8, http: 410, title: "The tenant was erased", next: "Its data cannot be brought back; use a new tenant ID"},
	CodeRetired:        {exit: 8, http: 409, title: "The server is retired", next: "Add a new server instead"},

	CodeRejected:     {exit: 9, http: 422, title: "Apple does not accept the token{reason}", next: "Probably it was downloaded again since, the certificate was replaced, or the person who downloaded it ({admin}) changed their password or left. Download the token again and upload it at once"},
	CodeTermsPending: {exit: 9, http: 409, title: "Apple waits until new terms are accepted for {organization}", next: "An administrator of that organization signs in at the portal and accepts the terms; the check goes on by itself, or at once with a recheck", retry: true},
	CodeAccessDenied: {exit: 9, http: 403, title: "Apple denies this token access{reason}", next: "Have a person whose role may manage device management services download the token again"},

	CodeUnreachable: {exit: 10, http: 503, title: "Apple gives no usable answer now{reason}", next: "Nothing is lost: what was uploaded is kept sealed, and Apple is asked again by itself", retry: true},

	CodePushUnknown:   {exit: 1, http: 200, title: "The push certificate could not be checked", next: "Check it by hand; the renewal goes on"},
	CodePushBad:       {exit: 1, http: 200, title: "The push certificate has a problem: {finding}", next: "Look after the push certificate; the renewal goes on"},
	CodeOtherOrg:      {exit: 6, http: 409, title: "The organization changed from {was} to {organization}", next: "Compare with the customer's portal, then confirm the renewal or cancel it"},
	CodeNameChanged:   {exit: 1, http: 200, title: "The service or organization has a new name: {name}", next: "Nothing to do if the customer renamed it"},
	CodePushUnproven:  {exit: 1, http: 200, title: "The new push certificate is in use, although Apple has not accepted it yet", next: "See whether a command reaches a device; the certificate before it is kept until Apple has accepted the new one"},
	CodeOtherConsumer: {exit: 1, http: 200, title: "The token has another consumer key than the one before", next: "Normal when another administrator downloaded it"},
	CodeKeyMissing:    {exit: 1, http: 200, title: "The token came without the private key that opens its file", next: "Adopt the key pair too, if the old system still has it; without it the next renewal replaces the certificate at the portal"},
	CodeLapsed:        {exit: 8, http: 409, title: "The renewal lapsed: no token was uploaded in time", next: "Start a new renewal; a token that was downloaded meanwhile can still be uploaded"},

	CodePushFileExpired: {exit: 3, http: 422, title: "The push certificate in the file expired on {expired}", next: "Renew it at Apple's push certificate portal (Renew on its row), then upload the new file"},
	CodePushNoKeyFits:   {exit: 4, http: 422, title: "No key of this push certificate fits the file", next: "It was made for another request. Upload this renewal's request at Apple's push certificate portal (Renew on its row) and download the certificate again, or upload it together with its own key"},
	CodePushPassword:    {exit: 4, http: 422, title: "The password does not open the .p12 file", next: "Check the password, or export the certificate anew with a new one"},
	CodePushUnfit:       {exit: 5, http: 422, title: "This does not do as a push certificate: {finding}", next: "{advice}"},
	CodePushUnsigned:    {exit: 1, http: 502, title: "The request was not signed as an MDM vendor{reason}", next: "Check the vendor's certificate and key; or take the request alone and have a vendor sign it"},
	CodePushOtherTopic:  {exit: 6, http: 409, title: "The push certificate has another topic ({new}); {devices} enrolled devices listen to {old} and would go deaf", next: "At Apple's push certificate portal, sign in with the Apple Account that made the first one and choose Renew on its row, not Create"},
	CodePushOlder:       {exit: 7, http: 409, title: "This push certificate ends no later than another one of the same topic (it expires {expires}, the other {active})", next: "Probably the older of two downloads: upload the newest file of Apple's push certificate portal"},
	CodePushLapsed:      {exit: 8, http: 409, title: "The renewal of the push certificate lapsed: no certificate was uploaded in time", next: "Start a new renewal; a certificate that was downloaded meanwhile can still be uploaded"},
	CodePushOver:        {exit: 3, http: 422, title: "The push certificate in use expired on {expired}; no command reaches a device", next: "Renew it at Apple's push certificate portal now (Renew on its row, not Create) and upload the new one: with the same topic no device enrolls again. How long after the expiry Renew still helps Apple does not say; some vendors tell of 30 days, others of none"},
	CodePushDead:        {exit: 9, http: 422, title: "Apple's push service does not accept the push certificate in use{reason}; no command reaches a device", next: "It was revoked, or it has expired. Renew it at Apple's push certificate portal (Renew on its row, with the Apple Account that made it, not Create) and upload the new one"},
	CodePushRejected:    {exit: 9, http: 422, title: "Apple's push service does not accept the new certificate{reason}; the one before stays in use", next: "Download the newest certificate at Apple's push certificate portal and upload that; if it is refused too, renew it there once more with the request of this renewal"},
}

package lambda

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A refusal is one that AWS was recorded to make.
type refusal struct {
	test, step string // of the recording: the test's name without its file and class
	operation  string
	input      string // FN is the function's ARN up to its name, LAYER a layer's
}

// refusals are what the fixture of TestRecorded is asked. Those of which the
// words are those of another version of the model, such as lists of runtimes,
// are left out, and those that only a network of AWS's makes.
var refusals = []refusal{
	{"test_delete_on_nonexisting_version", "delete_function_response_non_existent", "DeleteFunction", `{"FunctionName":"none"}`},
	{"test_function_arns", "function_arn_other_region_exc", "GetFunction", `{"FunctionName":"arn:aws:lambda:ap-southeast-1:000000000000:function:fn"}`},
	{"test_function_arns", "long_function_name_exc", "CreateFunction", `{"FunctionName":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Role":"` + role + `","Code":{}}`},
	{"test_ops_on_nonexisting_fn[get_function_code_signing_config]", "not_found_exception", "GetFunctionCodeSigningConfig", `{"FunctionName":"none"}`},
	{"test_ops_on_nonexisting_fn[get_function_concurrency]", "not_found_exception", "GetFunctionConcurrency", `{"FunctionName":"none"}`},
	{"test_ops_on_nonexisting_fn[get_function_configuration]", "not_found_exception", "GetFunctionConfiguration", `{"FunctionName":"none"}`},
	{"test_ops_on_nonexisting_fn[get_function_event_invoke_config]", "not_found_exception", "GetFunctionEventInvokeConfig", `{"FunctionName":"none"}`},
	{"test_ops_on_nonexisting_version[get_function]", "version_not_found_exception", "GetFunction", `{"FunctionName":"fn","Qualifier":"1221"}`},
	{"test_ops_with_arn_qualifier_mismatch[get_function]", "match_exception", "GetFunction", `{"FunctionName":"FNsome-function:$LATEST","Qualifier":"$LATEST"}`},
	{"test_ops_with_arn_qualifier_mismatch[get_function]", "not_match_exception", "GetFunction", `{"FunctionName":"FNfn:$LATEST","Qualifier":"1"}`},
	{"test_alias_lifecycle", "get_function_alias_notfound_exc", "GetFunction", `{"FunctionName":"fn","Qualifier":"aliasdoesnotexist"}`},
	{"test_alias_naming", "create_alias_number_exception", "CreateAlias", `{"FunctionName":"fn","FunctionVersion":"1","Name":"2024"}`},
	{"test_non_existent_alias_update", "update_alias_response", "UpdateAlias", `{"FunctionName":"fn","Name":"non-existent","Description":"x"}`},
	{"test_notfound_and_invalid_routingconfigs", "alias_does_not_exist_esc", "GetAlias", `{"FunctionName":"fn","Name":"non-existent"}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_already_exist", "CreateAlias", `{"FunctionName":"fn","Name":"custom","FunctionVersion":"1"}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_fn_doesnotexist", "CreateAlias", `{"FunctionName":"fn-unknown","Name":"custom","FunctionVersion":"1"}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_sameversion", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_subzero", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":-1.0}}}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_toohigh", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":2.0}}}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_toomany", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5,"3":0.5}}}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_version_doesnotexist", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"10":0.5}}}`},
	{"test_notfound_and_invalid_routingconfigs", "routing_config_exc_version_latest", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"$LATEST":0.5}}}`},
	{"test_notfound_and_invalid_routingconfigs", "target_version_exc_version_latest", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{"1":0.5}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "delete_function_doesnotexist", "DeleteFunctionEventInvokeConfig", `{"FunctionName":"doesnotexist"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_alias_qualifiedarn_qualifierconflict", "PutFunctionEventInvokeConfig", `{"FunctionName":"FNfn:custom","Qualifier":"1","MaximumRetryAttempts":1}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_destination_invalid_arn_pattern", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn","DestinationConfig":{"OnFailure":{"Destination":"arn:aws:_-/!lambda:eu-central-1:000000000000:function:fn"}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_destination_lambda_doesntexist", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn","DestinationConfig":{"OnSuccess":{"Destination":"FNdoesnotexist"}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_destination_recursive", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn","DestinationConfig":{"OnSuccess":{"Destination":"FNfn"}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_functionname_name_notfound", "PutFunctionEventInvokeConfig", `{"FunctionName":"doesnotexist","MaximumRetryAttempts":1}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_functionname_nootherargs", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "update_eventinvokeconfig_function_doesnotexist", "UpdateFunctionEventInvokeConfig", `{"FunctionName":"doesnotexist","MaximumRetryAttempts":1}`},
	{"test_lambda_eventinvokeconfig_exceptions", "update_eventinvokeconfig_config_doesnotexist_without_qualifier", "UpdateFunctionEventInvokeConfig", `{"FunctionName":"fn","MaximumRetryAttempts":1}`},
	{"test_create_event_source_validation_kinesis", "invalid_starting_position", "CreateEventSourceMapping", `{"FunctionName":"fn","EventSourceArn":"arn:aws:kinesis:eu-central-1:000000000000:stream/s","StartingPosition":"invalid"}`},
	{"test_create_event_source_validation_kinesis", "no_starting_position", "CreateEventSourceMapping", `{"FunctionName":"fn","EventSourceArn":"arn:aws:kinesis:eu-central-1:000000000000:stream/s"}`},
	{"test_event_source_mapping_exceptions", "create_no_event_source_arn", "CreateEventSourceMapping", `{"FunctionName":"doesnotexist"}`},
	{"test_event_source_mapping_exceptions", "create_unknown_params", "CreateEventSourceMapping", `{"FunctionName":"doesnotexist","EventSourceArn":"arn:aws:sqs:eu-central-1:000000000000:q"}`},
	{"test_event_source_mapping_exceptions", "get_unknown_uuid", "GetEventSourceMapping", `{"UUID":"00000000-0000-0000-0000-000000000000"}`},
	{"test_event_source_mapping_exceptions", "destination_config_failure", "CreateEventSourceMapping", `{"FunctionName":"fn","EventSourceArn":"arn:aws:sqs:eu-central-1:000000000000:q","DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-central-1:000000000000:d"}}}`},
	{"test_lambda_code_location_s3_errors", "create-error-wrong-bucket", "CreateFunction", `{"FunctionName":"x","Role":"` + role + `","Runtime":"nodejs22.x","Handler":"h","Code":{"S3Bucket":"wrong","S3Key":"fn.zip"}}`},
	{"test_lambda_code_location_s3_errors", "update-error-wrong-key", "UpdateFunctionCode", `{"FunctionName":"fn","S3Bucket":"code","S3Key":"wrong"}`},
	{"test_layer_exceptions", "get_layer_version_exc_layer_doesnotexist", "GetLayerVersion", `{"LayerName":"none","VersionNumber":1}`},
	{"test_layer_exceptions", "get_layer_version_exc_layer_version_doesnotexist_zero", "GetLayerVersion", `{"LayerName":"none","VersionNumber":0}`},
	{"test_layer_exceptions", "list_layers_exc_compatiblearchitecture_invalid", "ListLayers", `{"CompatibleArchitecture":"archdoesnotexist"}`},
	{"test_layer_function_exceptions", "add_nonexistent_layer_exc", "UpdateFunctionConfiguration", `{"FunctionName":"fn","Layers":["LAYERdoesnotexist:1"]}`},
	{"test_layer_function_exceptions", "two_identical_layer_versions_single_function_exc", "UpdateFunctionConfiguration", `{"FunctionName":"fn","Layers":["LAYERl:1","LAYERl:1"]}`},
	{"test_layer_function_quota_exception", "create_function_with_six_layers", "UpdateFunctionConfiguration", `{"FunctionName":"fn","Layers":["LAYERa:1","LAYERb:1","LAYERc:1","LAYERd:1","LAYERe:1","LAYERf:1"]}`},
	{"test_layer_policy_exceptions", "layer_permission_layername_doesnotexist_add", "AddLayerVersionPermission", `{"LayerName":"l-doesnotexist","VersionNumber":1,"Action":"lambda:GetLayerVersion","Principal":"*","StatementId":"s1"}`},
	{"test_layer_policy_exceptions", "layer_permission_nopolicy_get", "GetLayerVersionPolicy", `{"LayerName":"l","VersionNumber":1}`},
	{"test_permission_exceptions", "add_permission_fn_alias_doesnotexist", "AddPermission", `{"FunctionName":"fn","Qualifier":"alias-doesnotexist","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_fn_doesnotexist", "AddPermission", `{"FunctionName":"doesnotexist","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_fn_qualifier_invalid", "AddPermission", `{"FunctionName":"fn","Qualifier":"invalid-qualifier-with-?-char","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_fn_qualifier_latest", "AddPermission", `{"FunctionName":"fn","Qualifier":"$LATEST","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_fn_version_doesnotexist", "AddPermission", `{"FunctionName":"fn","Qualifier":"42","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_invalid_statement_id", "AddPermission", `{"FunctionName":"fn","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"example.com"}`},
	{"test_permission_exceptions", "add_permission_principal_invalid", "AddPermission", `{"FunctionName":"fn","Action":"lambda:InvokeFunction","Principal":"not.a.principal","StatementId":"s"}`},
	{"test_permission_exceptions", "get_policy_fn_doesnotexist", "GetPolicy", `{"FunctionName":"doesnotexist"}`},
	{"test_permission_exceptions", "remove_permission_fn_doesnotexist", "RemovePermission", `{"FunctionName":"doesnotexist","StatementId":"s"}`},
	{"test_permission_exceptions", "remove_permission_policy_doesnotexist", "RemovePermission", `{"FunctionName":"fn","StatementId":"s"}`},
	{"test_put_function_recursion_config_invalid_value", "put_recursion_invalid_value_error", "PutFunctionRecursionConfig", `{"FunctionName":"fn","RecursiveLoop":"InvalidValue"}`},
	{"test_function_concurrency_exceptions", "put_function_concurrency_with_function_name_doesnotexist", "PutFunctionConcurrency", `{"FunctionName":"doesnotexist","ReservedConcurrentExecutions":1}`},
	{"test_function_concurrency_exceptions", "put_function_concurrency_with_function_name_doesnotexist_and_invalid_concurrency", "PutFunctionConcurrency", `{"FunctionName":"doesnotexist","ReservedConcurrentExecutions":100000}`},
	{"test_function_concurrency_exceptions", "put_function_concurrency_with_qualified_arn", "PutFunctionConcurrency", `{"FunctionName":"FNfn:1","ReservedConcurrentExecutions":1}`},
	{"test_function_revisions_basic", "update_function_configuration_revision_exception", "UpdateFunctionConfiguration", `{"FunctionName":"fn","RevisionId":"x"}`},
	{"test_function_revisions_version_and_alias", "update_alias_revision_exception", "UpdateAlias", `{"FunctionName":"fn","Name":"custom","RevisionId":"x"}`},
	{"test_snapstart_exceptions", "create_function_invalid_snapstart_apply", "UpdateFunctionConfiguration", `{"FunctionName":"fn","SnapStart":{"ApplyOn":"invalidOption"}}`},
	{"test_tag_exceptions[event_source_mapping]", "not_found_exception_tag", "TagResource", `{"Resource":"arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000","Tags":{"a":"b"}}`},
	{"test_tag_exceptions[lambda_function]", "aliased_arn_exception", "TagResource", `{"Resource":"FNfn:custom","Tags":{"a":"b"}}`},
	{"test_tag_exceptions[lambda_function]", "not_found_exception_list", "ListTags", `{"Resource":"FNnone"}`},
	{"test_url_config_list_paging", "list_function_notfound", "ListFunctionUrlConfigs", `{"FunctionName":"none"}`},
	{"test_provisioned_concurrency_exceptions", "delete_provisioned_latest", "DeleteProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"$LATEST"}`},
	{"test_provisioned_concurrency_exceptions", "get_provisioned_functionname_doesnotexist", "GetProvisionedConcurrencyConfig", `{"FunctionName":"doesnotexist","Qualifier":"noalias"}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_invalid_param_0", "PutProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"1","ProvisionedConcurrentExecutions":0}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_latest", "PutProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"$LATEST","ProvisionedConcurrentExecutions":1}`},
	{"test_code_signing_not_found_excs", "get_csc_invalid", "GetCodeSigningConfig", `{"CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_code_signing_not_found_excs", "put_function_csc_invalid_both", "PutFunctionCodeSigningConfig", `{"FunctionName":"doesnotexist","CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_code_signing_not_found_excs", "delete_csc_notfound", "DeleteCodeSigningConfig", `{"CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_code_signing_not_found_excs", "delete_function_csc_fnnotfound", "DeleteFunctionCodeSigningConfig", `{"FunctionName":"csc-test-doesnotexist"}`},
	{"test_code_signing_not_found_excs", "get_function_csc_nonexistingfn", "GetFunctionCodeSigningConfig", `{"FunctionName":"csc-test-doesnotexist"}`},
	{"test_code_signing_not_found_excs", "list_functions_by_csc_invalid_cscarn", "ListFunctionsByCodeSigningConfig", `{"CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_code_signing_not_found_excs", "put_function_csc_invalid_csc_arn", "PutFunctionCodeSigningConfig", `{"FunctionName":"fn","CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_code_signing_not_found_excs", "update_csc_invalid_csc_arn", "UpdateCodeSigningConfig", `{"CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000","Description":"x"}`},
	{"test_code_signing_not_found_excs", "update_csc_noupdates", "UpdateCodeSigningConfig", `{"CodeSigningConfigArn":"arn:aws:lambda:eu-central-1:000000000000:code-signing-config:csc-00000000000000000"}`},
	{"test_alias_lifecycle", "get_function_alias_byarn_notfound_exc", "GetFunction", `{"FunctionName":"FNfn:aliasdoesnotexist"}`},
	{"test_notfound_and_invalid_routingconfigs", "target_version_doesnotexist", "CreateAlias", `{"FunctionName":"fn","Name":"new","FunctionVersion":"10","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "delete_function_not_found", "DeleteFunctionEventInvokeConfig", `{"FunctionName":"fn"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "get_eventinvokeconfig_doesnotexist", "GetFunctionEventInvokeConfig", `{"FunctionName":"fn","Qualifier":"eventinvokealias"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "get_function_doesnotexist", "GetFunctionEventInvokeConfig", `{"FunctionName":"doesnotexist"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "list_function_doesnotexist", "ListFunctionEventInvokeConfigs", `{"FunctionName":"doesnotexist"}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_alias_doesnotexist", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn","Qualifier":"none","MaximumRetryAttempts":1}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_alias_shorthand_qualifierconflict", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn:custom","Qualifier":"1","MaximumRetryAttempts":1}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_destination_invalid_service_arn", "PutFunctionEventInvokeConfig", `{"FunctionName":"fn","DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:iam:eu-central-1:000000000000:function:fn"}}}`},
	{"test_lambda_eventinvokeconfig_exceptions", "put_functionname_arn_notfound", "PutFunctionEventInvokeConfig", `{"FunctionName":"FNdoesnotexist","MaximumRetryAttempts":1}`},
	{"test_event_source_mapping_exceptions", "delete_unknown_uuid", "DeleteEventSourceMapping", `{"UUID":"00000000-0000-0000-0000-000000000000"}`},
	{"test_event_source_mapping_exceptions", "update_unknown_uuid", "UpdateEventSourceMapping", `{"UUID":"00000000-0000-0000-0000-000000000000"}`},
	{"test_function_arns", "invalid_function_name_exc", "CreateFunction", `{"FunctionName":"invalid:function:name","Role":"` + role + `","Runtime":"nodejs22.x","Handler":"h","Code":{"ZipFile":"eA=="}}`},
	{"test_get_function_wrong_region[delete_function]", "wrong_region_exception", "DeleteFunction", `{"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:fn"}`},
	{"test_get_function_wrong_region[invoke]", "wrong_region_exception", "Invoke", `{"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:fn"}`},
	{"test_ops_on_nonexisting_fn[delete_function]", "not_found_exception", "DeleteFunction", `{"FunctionName":"none"}`},
	{"test_ops_on_nonexisting_version[get_function_configuration]", "version_not_found_exception", "GetFunctionConfiguration", `{"FunctionName":"fn","Qualifier":"1221"}`},
	{"test_ops_on_nonexisting_version[get_function_event_invoke_config]", "version_not_found_exception", "GetFunctionEventInvokeConfig", `{"FunctionName":"fn","Qualifier":"1221"}`},
	{"test_ops_with_arn_qualifier_mismatch[get_function_configuration]", "not_match_exception", "GetFunctionConfiguration", `{"FunctionName":"FNfn:$LATEST","Qualifier":"1"}`},
	{"test_layer_exceptions", "delete_layer_version_exc_layerversion_invalid_version", "DeleteLayerVersion", `{"LayerName":"l","VersionNumber":-1}`},
	{"test_layer_exceptions", "get_layer_version_by_arn_exc_nonexistentversion", "GetLayerVersionByArn", `{"Arn":"LAYERl:9"}`},
	{"test_layer_exceptions", "get_layer_version_exc_layer_version_doesnotexist_2", "GetLayerVersion", `{"LayerName":"l","VersionNumber":2}`},
	{"test_layer_exceptions", "get_layer_version_exc_layer_version_doesnotexist_negative", "GetLayerVersion", `{"LayerName":"l","VersionNumber":-1}`},
	{"test_layer_function_exceptions", "add_nonexistent_layer_version_exc", "UpdateFunctionConfiguration", `{"FunctionName":"fn","Layers":["LAYERl:9"]}`},
	{"test_layer_function_exceptions", "create_function_with_layer_in_different_region", "UpdateFunctionConfiguration", `{"FunctionName":"fn","Layers":["arn:aws:lambda:us-east-1:000000000000:layer:l:1"]}`},
	{"test_layer_policy_exceptions", "layer_permission_action_invalid", "AddLayerVersionPermission", `{"LayerName":"l","VersionNumber":1,"Action":"*","Principal":"*","StatementId":"s1"}`},
	{"test_layer_policy_exceptions", "layer_permission_layername_doesnotexist_get", "GetLayerVersionPolicy", `{"LayerName":"l-doesnotexist","VersionNumber":1}`},
	{"test_layer_policy_exceptions", "layer_permission_layername_doesnotexist_remove", "RemoveLayerVersionPermission", `{"LayerName":"l-doesnotexist","VersionNumber":1,"StatementId":"s1"}`},
	{"test_layer_policy_exceptions", "layer_permission_layerversion_doesnotexist_add", "AddLayerVersionPermission", `{"LayerName":"l","VersionNumber":2,"Action":"lambda:GetLayerVersion","Principal":"*","StatementId":"s1"}`},
	{"test_layer_policy_exceptions", "layer_permission_layerversion_doesnotexist_get", "GetLayerVersionPolicy", `{"LayerName":"l","VersionNumber":2}`},
	{"test_layer_policy_exceptions", "layer_permission_layerversion_doesnotexist_remove", "RemoveLayerVersionPermission", `{"LayerName":"l","VersionNumber":2,"StatementId":"s1"}`},
	{"test_permission_exceptions", "add_permission_fn_qualifier_mismatch", "AddPermission", `{"FunctionName":"fn:alias-not-42","Qualifier":"42","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "add_permission_fn_qualifier_valid_doesnotexist", "AddPermission", `{"FunctionName":"fn","Qualifier":"valid-with-$-but-doesnotexist","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com","StatementId":"s"}`},
	{"test_permission_exceptions", "get_policy_fn_version_doesnotexist", "GetPolicy", `{"FunctionName":"fn","Qualifier":"42"}`},
	{"test_permission_exceptions", "remove_permission_fn_alias_doesnotexist", "RemovePermission", `{"FunctionName":"fn","Qualifier":"alias-doesnotexist","StatementId":"s"}`},
	{"test_provisioned_concurrency_exceptions", "delete_provisioned_functionname_doesnotexist", "DeleteProvisionedConcurrencyConfig", `{"FunctionName":"doesnotexist","Qualifier":"1"}`},
	{"test_provisioned_concurrency_exceptions", "delete_provisioned_qualifier_doesnotexist", "DeleteProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"noalias"}`},
	{"test_provisioned_concurrency_exceptions", "delete_provisioned_version_doesnotexist", "DeleteProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"10"}`},
	{"test_provisioned_concurrency_exceptions", "get_provisioned_config_doesnotexist", "GetProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"1"}`},
	{"test_provisioned_concurrency_exceptions", "get_provisioned_latest", "GetProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"$LATEST"}`},
	{"test_provisioned_concurrency_exceptions", "get_provisioned_qualifier_doesnotexist", "GetProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"noalias"}`},
	{"test_provisioned_concurrency_exceptions", "get_provisioned_version_doesnotexist", "GetProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"10"}`},
	{"test_provisioned_concurrency_exceptions", "list_provisioned_functionname_doesnotexist", "ListProvisionedConcurrencyConfigs", `{"FunctionName":"doesnotexist"}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_functionname_doesnotexist_alias", "PutProvisionedConcurrencyConfig", `{"FunctionName":"doesnotexist","Qualifier":"noalias","ProvisionedConcurrentExecutions":1}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_functionname_doesnotexist_version", "PutProvisionedConcurrencyConfig", `{"FunctionName":"doesnotexist","Qualifier":"1","ProvisionedConcurrentExecutions":1}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_qualifier_doesnotexist", "PutProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"doesnotexist","ProvisionedConcurrentExecutions":1}`},
	{"test_provisioned_concurrency_exceptions", "put_provisioned_version_doesnotexist", "PutProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"10","ProvisionedConcurrentExecutions":1}`},
	{"test_provisioned_concurrency_limits", "put_provisioned_concurrency_account_limit_exceeded", "PutProvisionedConcurrencyConfig", `{"FunctionName":"fn","Qualifier":"1","ProvisionedConcurrentExecutions":1001}`},
	{"test_function_revisions_version_and_alias", "publish_version_revision_exception", "PublishVersion", `{"FunctionName":"fn","RevisionId":"x"}`},
	{"test_tag_exceptions[event_source_mapping]", "not_found_exception_list", "ListTags", `{"Resource":"arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000"}`},
	{"test_tag_exceptions[event_source_mapping]", "not_found_exception_untag", "UntagResource", `{"Resource":"arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:00000000-0000-0000-0000-000000000000","TagKeys":["a"]}`},
	{"test_tag_exceptions[lambda_function]", "not_found_exception_tag", "TagResource", `{"Resource":"FNdoesnotexist","Tags":{"a":"b"}}`},
	{"test_tag_exceptions[lambda_function]", "not_found_exception_untag", "UntagResource", `{"Resource":"FNdoesnotexist","TagKeys":["a"]}`},
	{"test_tag_lifecycle", "list_tags_postdelete", "ListTags", `{"Resource":"FNdoesnotexist"}`},
	{"test_url_config_deletion_without_qualifier", "get_url_config_after_deletion", "GetFunctionUrlConfig", `{"FunctionName":"fn"}`},
	{"test_lambda_url_invalid_invoke_mode", "invoke_function_invalid_invoke_type", "CreateFunctionUrlConfig", `{"FunctionName":"fn","AuthType":"NONE","InvokeMode":"UNKNOWN"}`},
	{"test_publish_with_wrong_revisionid", "publish_wrong_revisionid_exc", "PublishVersion", `{"FunctionName":"fn","RevisionId":"wrong"}`},
	{"test_event_source_mapping_default_batch_size", "invalid-create-event-source-mapping", "CreateEventSourceMapping", `{"FunctionName":"fn","EventSourceArn":"arn:aws:sqs:eu-central-1:000000000000:q","BatchSize":11}`},
}

// TestRecorded compares refusals with those that AWS made.
func TestRecorded(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the folder of test vectors to run this")
	}
	text, err := os.ReadFile(filepath.Join(dir, "recorded", "lambda.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	recorded := make(map[string]map[string]json.RawMessage)
	for name, steps := range all {
		recorded[name[strings.LastIndex(name, "::")+2:]] = steps
	}
	f := newFixture(t)
	f.create("fn", "echo")
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	must(f, f.CreateAlias, &api.CreateAliasInput{FunctionName: "fn", Name: "custom", FunctionVersion: "1"})
	must(f, f.PublishLayerVersion, &api.PublishLayerVersionInput{LayerName: "l", Content: &api.LayerVersionContentInput{ZipFile: zipOf("a", "b")}})
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Description: new("two")})
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Timeout: new(int32(4))})
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	for _, r := range refusals {
		var want struct {
			Error            struct{ Code, Message string }
			ResponseMetadata struct{ HTTPStatusCode int }
		}
		if err := json.Unmarshal(recorded[r.test][r.step], &want); err != nil || want.Error.Code == "" {
			t.Errorf("%s %s: not recorded: %v", r.test, r.step, err)
			continue
		}
		input := strings.NewReplacer("FN", prefix+"function:", "LAYER", prefix+"layer:").Replace(r.input)
		_, err := f.table.CallJSON(f.ctx, f.call, "lambda", r.operation, []byte(input))
		got, refused := errors.AsType[*aws.Error](err)
		if !refused {
			t.Errorf("%s %s: got %v, want %s: %s", r.test, r.step, err, want.Error.Code, want.Error.Message)
			continue
		}
		if got.Code != want.Error.Code || got.Status != want.ResponseMetadata.HTTPStatusCode || !masked(inOrder(want.Error.Message)).MatchString(inOrder(got.Message)) {
			t.Errorf("%s %s:\n got %d %s: %s\nwant %d %s: %s", r.test, r.step, got.Status, got.Code, got.Message, want.ResponseMetadata.HTTPStatusCode, want.Error.Code, want.Error.Message)
		}
	}
}

// masked matches what a recorded message may have said before it was masked.
func masked(message string) *regexp.Regexp {
	message = strings.ReplaceAll(message, "111111111111", "<account>")
	parts := regexp.MustCompile(`<[a-z_:0-9-]+>`).Split(message, -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// inOrder is a message with the values of an enum in order: AWS has them in any.
func inOrder(message string) string {
	head, set, ok := strings.Cut(message, "enum value set: [")
	if !ok {
		return message
	}
	values := strings.Split(strings.TrimSuffix(set, "]"), ", ")
	slices.Sort(values)
	return head + strings.Join(values, ", ")
}

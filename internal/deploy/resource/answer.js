// What functions of a template's own text answer CloudFormation with, for custom resources.
exports.SUCCESS = "SUCCESS";
exports.FAILED = "FAILED";

exports.send = function (event, context, status, data, physicalId, noEcho) {
  const body = JSON.stringify({
    Status: status,
    Reason: "See the details in CloudWatch Log Stream: " + context.logStreamName,
    PhysicalResourceId: physicalId || context.logStreamName,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    NoEcho: noEcho || false,
    Data: data,
  });
  const url = new URL(event.ResponseURL);
  const transport = require(url.protocol === "http:" ? "http" : "https");
  return new Promise((resolve, reject) => {
    const request = transport.request(url, { method: "PUT", headers: { "content-type": "", "content-length": Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.on("end", () => { resolve(); context.done && context.done(); });
    });
    request.on("error", (err) => { console.log("send failed:", err); reject(err); context.done && context.done(err); });
    request.end(body);
  });
};

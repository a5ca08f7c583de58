"""What an instance of the flock is made of: the bundle it runs, the user data that fetches it, the units that start it.

For the stack: ``user_data(region=…, bucket=…, …)`` (user_data.py) is the launch template's user data as plain text (base64 it). Its
``bundle_key`` and ``bundle_sha256``, ``key_variable`` and ``more`` come from the deploy verb, as context ``-c bundle_key=…
-c bundle_sha256=… -c key_variable=… -c custom_command=…`` (custom_command → more={"MURMUR_CUSTOM_COMMAND": …, "MURMUR_CUSTOM_PASSES": key_variable}).
For the deploy verb: ``build(target, more=choose(runners).files)`` (bundle.py, runners.py) makes the zip; its SHA-256 is what the user data
checks before it runs anything from it.

What the instance's role must be able to do: ``s3:GetObject`` on ``agent/*`` of the bucket; ``ssm:GetParameter`` on the parameter
``/murmur/<flock>/api-key``; ``logs:CreateLogStream`` and ``logs:PutLogEvents`` on ``log_group``; and whatever the loop itself needs.
AL2023's package repositories are buckets named ``al2023-repos-<region>-de612dc2``: an endpoint policy on the S3 gateway must let them be
read, because Python 3.13 comes from there. The launch template needs ``InstanceMetadataTags: enabled``, a hop limit of 1 and
``InstanceInitiatedShutdownBehavior: terminate`` (an instance that cannot be set up, or whose run is over, powers itself off).
"""
